/// Notices that BOS refuses nearly all recharges with one code, so that a queue does not turn into failed jobs at full speed.
///
/// A single refusal concerns one recharge. When nearly all recharges get the same one, the cause is BOS, the merchant or the configuration.
package struct RefusalWatch: Sendable {
    package struct Configuration: Sendable {
        /// The share of the last answers that must be refusals with one code, from 0 to 1; 0 turns the watch off.
        package var share = 0.9
        /// How many of the last answers are looked at. Fewer answers prove nothing.
        package var minimumCalls = 20
        /// From one trial recharge to the next.
        package var interval = Duration.seconds(10)

        package init() {}
    }

    /// Stands for a refusal without a code.
    static let noCode = -1
    /// Stands for a refusal of the credentials.
    static let credentials = -2

    /// The code with which BOS refuses nearly all recharges; `nil` while BOS does not.
    package private(set) var refusedWith: Int?
    /// Whether BOS has accepted the credentials of a recharge since it last refused those of one.
    private(set) var takesCredentials = false
    private let configuration: Configuration
    /// The codes of the last answers, the latest last; `nil` for an answer that was no refusal.
    private var answers: [Int?] = []
    private var trialFrom = Duration.zero

    package init(_ configuration: Configuration = Configuration()) { self.configuration = configuration }

    /// Learns from an answer to `DoRecharge`.
    /// - Parameter code: of a refusal; `nil` for any other answer.
    /// - Returns: whether the answer has changed ``refusedWith``.
    mutating func record(refusal code: Int?, at now: Duration) -> Bool {
        takesCredentials = code != Self.credentials
        guard configuration.share > 0 else { return false }
        if let refused = refusedWith {
            trialFrom = now + configuration.interval
            guard code != refused else { return false }
            refusedWith = nil
            answers = []
            return true
        }
        answers.append(code)
        if answers.count > configuration.minimumCalls { answers.removeFirst() }
        guard let code, answers.count >= configuration.minimumCalls else { return false }
        let same = answers.count { $0 == code }
        guard Double(same) >= Double(answers.count) * configuration.share else { return false }
        refusedWith = code
        trialFrom = now + configuration.interval
        return true
    }

    /// Whether the next trial recharge is due.
    func mayTry(at now: Duration) -> Bool { now >= trialFrom }
}
