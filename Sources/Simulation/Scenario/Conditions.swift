import JobEngine
import JobModel

/// What kind of BOS and broker a story has, and what the worker is configured to believe of them: drawn once for each seed, so that most
/// stories meet few of these at once.
struct Conditions: Sendable {
    /// What an enquiry's answer says of the recharge that it is about.
    enum Shape: Sendable {
        /// `data` with subscriber, amount and reference.
        case full
        /// `data` with amount and reference.
        case page
        /// No `data`: only the outer status.
        case bare
    }

    enum EnquiryMode: Sendable {
        case normal
        /// No enquiry finds any recharge.
        case blind
        /// Every enquiry finds something, and names no recharge where there is none.
        case credulous
    }

    /// What BOS answers to every call for a while.
    enum Outage: Sendable {
        /// Status false with this code. A recharge is executed, or not.
        case oneCode(Int)
        /// "Not now": maintenance. Nothing is executed.
        case maintenance
        /// "Not now": an empty wallet. Nothing is executed.
        case emptyWallet
        /// Code 16, or a 401 that says nothing else. Nothing is executed.
        case credentials
    }

    var shape = Shape.full
    var enquiryMode = EnquiryMode.normal
    /// Whether `refid` is a number of BOS's own.
    var hasOwnNumbers = false
    /// Whether enquiries ask by that number where it is known.
    var asksByNumber = false
    /// Whether BOS keeps a record of all that it executes: what the owner has from BOS where "not found" is believed.
    var keepsRecords = true
    var notFound = RetryPolicy.Settle.NotFound.person
    /// How likely an enquiry's answer is about something else, or says nothing, from 0 to 1.
    var misleads = 0.0
    /// Whether BOS refuses the credentials of one merchant for ever.
    var refusesMerchant = false
    /// Whether another system of the merchant has used some references before.
    var hasUsedReferences = false
    /// When another API takes the place of the one before, with books of its own; in milliseconds.
    var movesAt: Int64?
    var outages: [(times: Range<Int64>, outage: Outage)] = []
    /// Whether the broker turns down the replies to some addresses for ever.
    var turnsDownReplies = false
    /// When no queue is bound for replies; in milliseconds.
    var unbound: Range<Int64>?
    /// Whether processes start on machines of their own, each with its own time since its start.
    var hasManyMachines = false

    static let refusedMerchant = "M2"

    init(faultPhase: Int64, _ generator: inout SeededGenerator) {
        func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < probability }
        func times() -> Range<Int64> {
            let start = Int64.random(in: 0...faultPhase * 3 / 4, using: &generator)
            return start..<min(faultPhase, start + Int64.random(in: 1_000...240_000, using: &generator))
        }
        shape = chance(0.6) ? .full : chance(0.5) ? .page : .bare
        hasOwnNumbers = chance(0.5)
        asksByNumber = hasOwnNumbers && chance(0.3)
        // Where no answer names a recharge, "found" says the least.
        enquiryMode = chance(0.15) ? .blind : chance(shape == .bare ? 0.3 : 0.05) ? .credulous : .normal
        if chance(0.4) { movesAt = Int64.random(in: faultPhase / 8...faultPhase * 5 / 8, using: &generator) }
        // What another API does not know matters where "not found" is believed.
        notFound = chance(movesAt == nil ? 0.5 : 0.9) ? .believe : .person
        keepsRecords = notFound == .believe || chance(0.3)
        misleads = chance(0.4) ? Double.random(in: 0...0.6, using: &generator) : 0
        refusesMerchant = chance(0.2)
        hasUsedReferences = chance(0.2)
        for _ in 0..<(chance(0.4) ? Int.random(in: 1...2, using: &generator) : 0) {
            let outages: [Outage] = [.oneCode(5), .oneCode(5), .maintenance, .emptyWallet, .credentials]
            self.outages.append((times(), outages[Int.random(in: 0..<outages.count, using: &generator)]))
        }
        turnsDownReplies = chance(0.15)
        if chance(0.2) { unbound = times() }
        hasManyMachines = chance(0.2)
    }

    func outage(at elapsed: Int64) -> Outage? { outages.first { $0.times.contains(elapsed) }?.outage }

    /// The API that a process which starts now is configured for.
    func destination(at elapsed: Int64) -> String { movesAt.map { elapsed >= $0 } == true ? "second" : "first" }

    /// Whether another system has used this reference before.
    func isUsed(_ reference: String) -> Bool { hasUsedReferences && Self.number(of: reference).map { $0 % 4 == 1 } == true }

    // MARK: BOS's own numbers

    /// The `refid` that BOS gives a recharge.
    func refid(_ reference: String) -> String {
        guard hasOwnNumbers, let number = Self.number(of: reference) else { return reference }
        return "\(700_000 + number)"
    }

    /// The reference that is meant by a name in an enquiry.
    static func reference(named name: String) -> String {
        guard let number = Int(name), number >= 700_000 else { return name }
        return "r\(number - 700_000)"
    }

    private static func number(of reference: String) -> Int? {
        reference.first == "r" ? Int(reference.dropFirst()) : nil
    }
}
