private import Foundation
internal import JobModel

/// Everything that is to go wrong, and the seed that decides when.
///
/// Every decision is drawn from the seed, the reference and the number of that call, never from the time or the order of
/// arrival, so a run with the same seed and the same calls meets the same faults. Only how long `emptyWallet` and `maintenance` last is
/// a matter of time.
package struct FaultPlan: Sendable, Equatable, Codable {
    package var seed: UInt64
    /// Waited before every answer.
    package var latency: Latency
    package var faults: [FaultRule]

    package init(seed: UInt64 = 1, latency: Latency = .none, faults: [FaultRule] = []) {
        self.seed = seed
        self.latency = latency
        self.faults = faults
    }

    /// Reads a plan as JSON, for example `{"seed":7,"latency":"5ms-50ms","faults":[{"fault":"hang","probability":0.01}]}`.
    ///
    /// Every member may be absent; names that do not exist are refused, since a misspelled fault would be a test of nothing.
    package init(json: [UInt8]) throws(FaultPlanError) {
        do {
            self = try JSONDecoder().decode(FaultPlan.self, from: Data(json))
        } catch let error as FaultPlanError {
            throw error
        } catch {
            throw .malformed("the fault plan is not what it should be: \(error)")
        }
        try check()
    }

    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        seed = try members.decodeIfPresent(UInt64.self, forKey: .seed) ?? 1
        latency = try members.decodeIfPresent(Latency.self, forKey: .latency) ?? .none
        faults = try members.decodeIfPresent([FaultRule].self, forKey: .faults) ?? []
    }

    /// The plan as JSON in the form that `init(json:)` reads.
    package var json: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return try Array(encoder.encode(self))
        }
    }

    /// Refuses a plan whose probabilities cannot all be true at once.
    package func check() throws(FaultPlanError) {
        for rule in faults { try rule.check() }
        for endpoint in BOSEndpoint.allCases {
            for merchant in Set(faults.map(\.registerID)) {
                let sum = faults.filter { !$0.fault.isFate && $0.applies(to: endpoint, of: merchant) }.reduce(0) { $0 + $1.probability }
                guard sum <= 1.000_001 else {
                    throw .malformed("the faults of \(endpoint.rawValue) add up to a probability of \(sum); at most 1 is possible")
                }
            }
        }
    }

    /// The fault of one call, if it is to have one.
    /// - Parameters:
    ///   - merchant: the `RegisterID` of the call, if it has one.
    ///   - number: how many calls this endpoint has had for this reference, this one included.
    ///   - age: how long the plan has been in force.
    func fault(of endpoint: BOSEndpoint, merchant: String?, reference: String, number: Int, age: Duration) -> FaultRule? {
        guard !faults.isEmpty else { return nil }
        var generator = SeededGenerator(seed: seed, purpose: endpoint.rawValue, reference: reference, number: number)
        var draw = generator.unit()
        for rule in faults where !rule.fault.isFate && rule.applies(to: endpoint, of: merchant) {
            if draw < rule.probability { return rule.isOver(at: age) ? nil : rule }
            draw -= rule.probability
        }
        return nil
    }

    /// The fate's value if this reference is to meet it.
    func fate(_ fault: Fault, of reference: String) -> Double? {
        guard let rule = faults.first(where: { $0.fault == fault }) else { return nil }
        var generator = SeededGenerator(seed: seed, purpose: fault.rawValue, reference: reference, number: 0)
        guard generator.unit() < rule.probability else { return nil }
        return rule.value ?? fault.defaultValue ?? 0
    }

    /// How long the answer to this call is to take.
    func delay(of endpoint: BOSEndpoint, reference: String, number: Int) -> Duration {
        if case .none = latency { return .zero }
        var generator = SeededGenerator(seed: seed &+ 1, purpose: endpoint.rawValue, reference: reference, number: number)
        return latency.draw(from: &generator)
    }
}

extension FaultRule {
    /// - Parameter merchant: the `RegisterID` of the call, if it has one.
    func applies(to endpoint: BOSEndpoint, of merchant: String?) -> Bool {
        (self.endpoint == nil || self.endpoint == endpoint) && fault.endpoints.contains(endpoint)
            && (registerID == nil || registerID == merchant)
    }

    /// Whether a fault that lasts for a while has passed.
    func isOver(at age: Duration) -> Bool {
        guard fault == .emptyWallet || fault == .maintenance, let value else { return false }
        return age >= .seconds(value)
    }
}

extension SeededGenerator {
    /// Random numbers for one decision, which depend on nothing but the seed and what is decided: an FNV-1a hash of that is the seed.
    init(seed: UInt64, purpose: String, reference: String, number: Int) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in purpose.utf8 { mix(byte) }
        mix(0xFF)
        for byte in reference.utf8 { mix(byte) }
        mix(0xFF)
        self.init(seed: hash ^ (seed &* Self.increment) ^ (UInt64(bitPattern: Int64(number)) &* 0xd1b5_4a32_d192_ed03))
    }

    /// A number from 0 up to but not including 1.
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
}
