private import Foundation
internal import JobModel

/// The faults of the simulated BOS, and the seed that decides when they happen.
///
/// Every decision depends only on the seed, the reference and the number of the call. It does not depend on the time or on the order of
/// calls, so that the same seed and the same calls give the same faults. Only the length of `emptyWallet` and `maintenance` is measured in
/// time.
package struct FaultPlan: Sendable, Equatable, Codable {
    package var seed: UInt64
    /// The time that BOS waits before each answer.
    package var latency: Latency
    package var faults: [FaultRule]

    /// By default a plan without latency and without faults.
    package init(seed: UInt64 = 1, latency: Latency = .none, faults: [FaultRule] = []) {
        self.seed = seed
        self.latency = latency
        self.faults = faults
    }

    /// Reads a plan as JSON, for example `{"seed":7,"latency":"5ms-50ms","faults":[{"fault":"hang","probability":0.01}]}`.
    ///
    /// Every member may be absent. Unknown names are refused, because a misspelled fault would test nothing.
    /// - Throws: ``FaultPlanError`` if the JSON is not a plan, or if ``check()`` refuses the plan.
    package init(json: [UInt8]) throws(FaultPlanError) {
        do {
            self = try JSONDecoder().decode(FaultPlan.self, from: Data(json))
        } catch let error as FaultPlanError {
            throw error
        } catch {
            throw .malformed("the fault plan cannot be read: \(error)")
        }
        try check()
    }

    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        seed = try members.decodeIfPresent(UInt64.self, forKey: .seed) ?? 1
        latency = try members.decodeIfPresent(Latency.self, forKey: .latency) ?? .none
        faults = try members.decodeIfPresent([FaultRule].self, forKey: .faults) ?? []
    }

    /// The plan as JSON, in the form that `init(json:)` reads.
    package var json: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return try Array(encoder.encode(self))
        }
    }

    /// Refuses a plan with a malformed rule, or with probabilities that add up to more than 1 for one endpoint.
    /// - Throws: ``FaultPlanError``, which says what is wrong.
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

    /// Draws the fault of one call; `nil` if the call has none.
    /// - Parameters:
    ///   - merchant: the `RegisterID` of the call, if it has one.
    ///   - number: how many calls this endpoint has had for this reference, this one included.
    ///   - age: the time since the plan was set.
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

    /// The value of the fate if this reference has it; otherwise `nil`.
    func fate(_ fault: Fault, of reference: String) -> Double? {
        guard let rule = faults.first(where: { $0.fault == fault }) else { return nil }
        var generator = SeededGenerator(seed: seed, purpose: fault.rawValue, reference: reference, number: 0)
        guard generator.unit() < rule.probability else { return nil }
        return rule.value ?? fault.defaultValue ?? 0
    }

    /// The time until the answer to this call.
    func delay(of endpoint: BOSEndpoint, reference: String, number: Int) -> Duration {
        if case .none = latency { return .zero }
        var generator = SeededGenerator(seed: seed &+ 1, purpose: endpoint.rawValue, reference: reference, number: number)
        return latency.draw(from: &generator)
    }
}

extension FaultRule {
    /// Whether a call can have the fault.
    /// - Parameter merchant: the `RegisterID` of the call, if it has one.
    func applies(to endpoint: BOSEndpoint, of merchant: String?) -> Bool {
        (self.endpoint == nil || self.endpoint == endpoint) && fault.endpoints.contains(endpoint)
            && (registerID == nil || registerID == merchant)
    }

    /// Whether a fault of limited duration has ended.
    func isOver(at age: Duration) -> Bool {
        guard fault == .emptyWallet || fault == .maintenance, let value else { return false }
        return age >= .seconds(value)
    }
}

extension SeededGenerator {
    /// Random numbers for one decision. The generator's seed is an FNV-1a hash of the arguments, so that decisions are independent.
    init(seed: UInt64, purpose: String, reference: String, number: Int) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in purpose.utf8 { mix(byte) }
        mix(0xFF)
        for byte in reference.utf8 { mix(byte) }
        mix(0xFF)
        self.init(seed: hash ^ (seed &* Self.increment) ^ (UInt64(bitPattern: Int64(number)) &* 0xd1b5_4a32_d192_ed03))
    }

    /// A number from 0 up to, but not including, 1.
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
}
