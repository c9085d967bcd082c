/// Notices that BOS refuses nearly all recharges with one and the same code, so that a queue is not drained into failures at full speed.
///
/// One refusal says something of one recharge. Nearly all of them say something of BOS, the merchant or the configuration.
package struct RefusalWatch: Sendable {
    package struct Configuration: Sendable {
        /// Of the calls that are looked at, from 0 to 1; 0 watches nothing.
        package var share = 0.9
        /// The last calls that are looked at; below that number nothing is concluded.
        package var minimumCalls = 20
        /// From one trial to the next.
        package var interval = Duration.seconds(10)

        package init() {}
    }

    /// Stand for a refusal without a code, and for one of the credentials.
    static let noCode = -1
    static let credentials = -2

    /// The code with which BOS refuses nearly all; `nil` while it does not.
    package private(set) var refusedWith: Int?
    /// Whether BOS has taken the credentials of a recharge since it last refused those of one.
    private(set) var takesCredentials = false
    private let configuration: Configuration
    /// The code of each of the last answers, the latest last; `nil` for one that was no refusal.
    private var answers: [Int?] = []
    private var trialFrom = Duration.zero

    package init(_ configuration: Configuration = Configuration()) { self.configuration = configuration }

    /// Takes in an answer to `DoRecharge`.
    /// - Parameter code: that of a refusal, `nil` for any other answer.
    /// - Returns: whether this answer changes what ``refusedWith`` says.
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

    func mayTry(at now: Duration) -> Bool { now >= trialFrom }
}
