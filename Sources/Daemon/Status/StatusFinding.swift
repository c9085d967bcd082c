import ExactJSON
import JobEngine
import JobModel

/// One thing that people have to know about a program's state: what it is, what to do, and where the runbook says more.
struct StatusFinding: Sendable, Equatable {
    /// How much it stands in the way.
    enum Level: String, Sendable, CaseIterable {
        /// All is well.
        case good
        /// The work goes on, but something needs attention.
        case attention
        /// The work does not go on.
        case stopped
    }

    var level: Level
    /// What the state is, in one sentence.
    var sentence: String
    /// What to do, in one sentence.
    var advice: String
    /// A section of operating.md, such as `when-jobs-wait`.
    var section: Section
    /// What a part of the program says of it, without a secret or a subscriber's number. It may quote BOS or the broker.
    var detail: String?

    /// The sections of operating.md that findings lead to.
    enum Section: String, Sendable, CaseIterable {
        case threeInTheMorning = "at-three-in-the-morning"
        case brokerAway = "bosbrokeraway"
        case notConsuming = "bosnotconsuming"
        case leftAlone = "bosleftalone"
        case enquiryUnreliable = "bosenquiryunreliable"
        case leftToPerson = "bosjobslefttoaperson"
        case moneyInDoubt = "bosmoneyindoubt"
        case notBroughtBack = "bosnotbroughtback"
        case withoutListener = "bosreplieswithoutlistener"
        case notUnderstood = "bosmessagesnotunderstood"
        case whenJobsWait = "when-jobs-wait"
        case repliesOwed = "replies-that-are-owed"
        case watches = "what-the-worker-watches"
        case running = "running"

        /// The heading of the section.
        var title: String {
            switch self {
            case .threeInTheMorning: "At three in the morning"
            case .brokerAway: "BOSBrokerAway"
            case .notConsuming: "BOSNotConsuming"
            case .leftAlone: "BOSLeftAlone"
            case .enquiryUnreliable: "BOSEnquiryUnreliable"
            case .leftToPerson: "BOSJobsLeftToAPerson"
            case .moneyInDoubt: "BOSMoneyInDoubt"
            case .notBroughtBack: "BOSNotBroughtBack"
            case .withoutListener: "BOSRepliesWithoutListener"
            case .notUnderstood: "BOSMessagesNotUnderstood"
            case .whenJobsWait: "When jobs wait"
            case .repliesOwed: "Replies that are owed"
            case .watches: "What the worker watches"
            case .running: "Running"
            }
        }
    }

    init(_ level: Level, says sentence: String, advice: String, section: Section, detail: String? = nil) {
        self.level = level
        self.sentence = sentence
        self.advice = advice
        self.section = section
        self.detail = detail
    }

    var json: JSONValue {
        .object([
            .init("level", .string(level.rawValue)), .init("sentence", .string(sentence)), .init("advice", .string(advice)),
            .init("detail", detail.map { .string($0) } ?? .null), .init("runbook", .string("\(Runbook.installed)#\(section.rawValue)")),
        ])
    }
}

extension PauseReason {
    /// What this reason means for the jobs of a lane, and what to do. Source: operating.md#when-jobs-wait.
    func finding(_ lane: JobLane, pause: ConsumptionGate.Pause, at now: Timestamp) -> StatusFinding {
        let since = "since \(pause.since.clock) (\((now - pause.since).words))"
        func made(_ what: String, do advice: String, tries: Bool = false, section: StatusFinding.Section = .whenJobsWait)
            -> StatusFinding
        {
            let subject =
                switch lane {
                case .money: tries ? "Recharges are only tried one at a time" : "No money moves"
                case .questions: "Doubts and questions wait"
                }
            let level = lane == .money && !tries ? StatusFinding.Level.stopped : .attention
            return StatusFinding(level, says: "\(subject) \(since): \(what).", advice: advice, section: section, detail: pause.detail)
        }
        switch self {
        case .credentials:
            return made(
                "BOS refuses the worker's token, or there is none",
                do: "Check the auth settings; if they are right, ask BOS. The worker renews the token and goes on by itself.")
        case .ledger:
            return made(
                "the ledger cannot be written",
                do: "Free the disk, or mend what the detail names. The worker goes on by itself.")
        case .bos:
            return made(
                "BOS cannot be reached or fails",
                do: "Ask BOS. The worker asks it now and then without moving money, and goes on by itself.", section: .leftAlone)
        case .throttled:
            return made("BOS has asked for a pause", do: "Wait: the worker goes on when the pause is over, after an hour at most.")
        case .postponed:
            return made(
                "BOS takes no recharge for now, for maintenance or an empty wallet",
                do: "Fill the wallet, or wait: the worker goes on by itself.", tries: true)
        case .refusals:
            return made(
                "BOS refuses nearly all recharges with one code",
                do: "Look at the code with bosctl codes, and ask BOS what it means.", tries: true)
        }
    }
}
