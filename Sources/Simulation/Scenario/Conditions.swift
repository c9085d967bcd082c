import JobEngine
import JobModel

/// How BOS and the broker behave in a scenario, and what the worker is configured to believe of them.
///
/// Each value is drawn once for each seed, so that most scenarios meet few of them at once.
struct Conditions: Sendable {
    /// What an enquiry's answer contains about the recharge.
    enum Shape: Sendable {
        /// `data` with subscriber, amount and reference.
        case full
        /// `data` with amount and reference.
        case page
        /// No `data`, only the outer status.
        case bare
    }

    /// Which recharges an enquiry finds.
    enum EnquiryMode: Sendable {
        /// Those that BOS knows.
        case normal
        /// No enquiry finds any recharge.
        case blind
        /// An enquiry about an unknown recharge is answered as if it had found one, but the answer names no recharge.
        case credulous
    }

    /// How BOS answers every call for a limited time.
    enum Outage: Sendable {
        /// Status false with this code. BOS executes some recharges all the same.
        case oneCode(Int)
        /// Maintenance: BOS asks the caller to come later. Nothing is executed.
        case maintenance
        /// An empty wallet: BOS asks the caller to come later. Nothing is executed.
        case emptyWallet
        /// Code 15 or 16, or a 401 without a code. Nothing is executed.
        case credentials
    }

    var shape = Shape.full
    var enquiryMode = EnquiryMode.normal
    /// Whether `refid` is BOS's own number instead of the caller's reference.
    var hasOwnNumbers = false
    /// Whether the worker sends BOS's own number in an enquiry where it knows it.
    var asksByNumber = false
    /// Whether BOS keeps a record of every recharge that it executes. BOS has to promise this where "not found" is believed.
    var keepsRecords = true
    var notFound = RetryPolicy.Settle.NotFound.person
    /// The probability, from 0 to 1, that an enquiry's answer is about another recharge or contains no result.
    var misleads = 0.0
    /// Whether BOS always refuses the credentials of ``refusedMerchant``.
    var refusesMerchant = false
    /// Whether another system of the merchant has already used some of the references.
    var hasUsedReferences = false
    /// When another API, with books of its own, replaces the first one, in milliseconds; `nil` if it never happens.
    var movesAt: Int64?
    var outages: [(times: Range<Int64>, outage: Outage)] = []
    /// Whether the broker denies every reply to ``ModelBroker/forbidden``.
    var turnsDownReplies = false
    /// When no queue is bound for replies, in milliseconds.
    var unbound: Range<Int64>?
    /// Whether each process runs on a machine of its own, with its own boot id and uptime.
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
        // More often where no answer names a recharge: there a false "found" is hardest to notice.
        enquiryMode = chance(0.15) ? .blind : chance(shape == .bare ? 0.3 : 0.05) ? .credulous : .normal
        if chance(0.4) { movesAt = Int64.random(in: faultPhase / 8...faultPhase * 5 / 8, using: &generator) }
        // A second API does not know the recharges of the first. That matters where "not found" is believed.
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

    /// The API that a process is configured for if it starts at that time.
    func destination(at elapsed: Int64) -> String { movesAt.map { elapsed >= $0 } == true ? "second" : "first" }

    /// Whether another system has already used this reference.
    func isUsed(_ reference: String) -> Bool { hasUsedReferences && Self.number(of: reference).map { $0 % 4 == 1 } == true }

    // MARK: BOS's own numbers

    /// The `refid` that BOS gives a recharge.
    func refid(_ reference: String) -> String {
        guard hasOwnNumbers, let number = Self.number(of: reference) else { return reference }
        return "\(700_000 + number)"
    }

    /// The reference that an enquiry means by a name: itself, or the one with this number of BOS's own.
    static func reference(named name: String) -> String {
        guard let number = Int(name), number >= 700_000 else { return name }
        return "r\(number - 700_000)"
    }

    private static func number(of reference: String) -> Int? {
        reference.first == "r" ? Int(reference.dropFirst()) : nil
    }
}
