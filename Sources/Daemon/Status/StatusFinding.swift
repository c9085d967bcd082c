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
        case holding = "holding-a-queue"
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
            case .holding: "Holding a queue"
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
    /// What a reason to pause means, and what to do. Source: operating.md#when-jobs-wait.
    private struct Meaning {
        var cause: String
        var advice: String
        /// Recharges are tried one at a time meanwhile.
        var triesJobs = false
        var section = StatusFinding.Section.whenJobsWait
    }

    private var meaning: Meaning {
        switch self {
        case .credentials:
            Meaning(
                cause: "BOS refuses the worker's token, or there is none",
                advice: "Check the auth settings; if they are right, ask BOS. The worker renews the token and goes on by itself.")
        case .ledger:
            Meaning(
                cause: "the ledger cannot be written",
                advice: "Free the disk, or mend what the detail names. The worker goes on by itself.")
        case .bos:
            Meaning(
                cause: "BOS cannot be reached or fails",
                advice: "Ask BOS. The worker asks it now and then without moving money, and goes on by itself.", section: .leftAlone)
        case .throttled:
            Meaning(
                cause: "BOS has asked for a pause", advice: "Wait: the worker goes on when the pause is over, after an hour at most.")
        case .postponed:
            Meaning(
                cause: "BOS takes no recharge for now, for maintenance or an empty wallet",
                advice: "Fill the wallet, or wait: the worker goes on by itself.", triesJobs: true)
        case .refusals:
            Meaning(
                cause: "BOS refuses nearly all recharges with one code",
                advice: "Look at the code with bosctl codes, and ask BOS what it means.", triesJobs: true)
        case .operatorHold:
            Meaning(
                cause: "an operator holds them with bosctl pause",
                advice: "Ask whom the detail names whether the reason still stands; bosctl resume ends the hold.", section: .holding)
        }
    }

    /// The finding of a pause that stands.
    func finding(_ lane: JobLane, pause: ConsumptionGate.Pause, at now: Timestamp) -> StatusFinding {
        let meaning = meaning
        let subject =
            switch lane {
            case .money: meaning.triesJobs ? "Recharges are only tried one at a time" : "No money moves"
            case .questions: "Doubts and questions wait"
            }
        return StatusFinding(
            lane == .money && !meaning.triesJobs ? .stopped : .attention,
            says: "\(subject) since \(pause.since.clock) (\((now - pause.since).age)): \(meaning.cause).", advice: meaning.advice,
            section: meaning.section, detail: pause.detail)
    }

    /// The finding of a pause that has just passed, and may come back.
    func recentFinding(_ lane: JobLane, pause: ConsumptionGate.Pause) -> StatusFinding {
        let subject =
            switch lane {
            case .money: "Money moves again"
            case .questions: "Doubts and questions go on again"
            }
        return StatusFinding(
            .attention, says: "\(subject), after a pause that began at \(pause.since.clock): \(meaning.cause).",
            advice: "Watch whether it stays so. \(meaning.advice)", section: meaning.section, detail: pause.detail)
    }
}
