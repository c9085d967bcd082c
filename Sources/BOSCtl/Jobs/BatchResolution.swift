import Daemon
import JobEngine
import JobModel
import Ledger

/// Many doubts settled at once: those that BOS has not answered or has refused, and did not know as often and for as long as `retry.settle` says. Each
/// is asked about once more. What BOS has said that it knows is for `bosctl resolve REF` alone.
struct BatchResolution {
    let resolution: Resolution
    /// Only what was sent longer ago than this.
    let olderThan: Duration

    private var console: Console { resolution.console }

    func run(_ ledger: any Ledger) async throws {
        let (records, known) = try await doubts(ledger)
        if known > 0 { console.row("left out: \(known) recharges of which BOS has said that it knows them; settle each by its reference") }
        guard !records.isEmpty else { return console.row("no recharge that BOS did not know was sent longer ago than that") }
        let rupees = Money(paise: records.reduce(0) { $0 &+ $1.job.amount.paise }).rupees
        let question = "Settle \(records.count) recharges, \(rupees) rupees, as \(resolution.outcome), unless BOS knows them now?"
        try await checkEnquiry(of: Set(records.compactMap(\.job.registerID)), ledger)
        guard resolution.isConfirmed || console.asks(question) else { throw CommandFailure.unconfirmedBatch(count: records.count) }
        var settled = 0
        try await BOSInquiry(settings: resolution.settings).asking { ask in
            for record in records where try await settle(record, await ask(record), ledger) { settled += 1 }
        }
        console.row("settled: \(settled), left as they were: \(records.count - settled)")
    }

    /// "Not found" means something only from an enquiry that finds what BOS has executed.
    private func checkEnquiry(of merchants: Set<String>, _ ledger: any Ledger) async throws {
        let settings = resolution.settings
        let executed = try await ledger.lastExecuted(sentTo: settings.engineConfiguration.policy.destination)
        let examples = executed.filter { $0.job.registerID.map(merchants.contains) == true }
        if examples.count < merchants.count {
            console.row(
                "note: of \(merchants.count - examples.count) merchants no recent recharge was executed by which the enquiry could be tried"
            )
        }
        for example in examples {
            let report = await BOSInquiry(settings: settings).ask(example)
            if case .found(.succeeded, _, _) = report.event { continue }
            guard resolution.isAgainstBOS else { throw CommandFailure.blindEnquiry(reference: example.job.reference) }
        }
    }

    /// The doubts that are left to a person, or soon will be, since BOS did not know them.
    /// - Returns: those, and how many were left out because BOS has said that it knows them.
    private func doubts(_ ledger: any Ledger) async throws -> ([JobRecord], known: Int) {
        let now = SystemClock().now()
        let policy = resolution.settings.engineConfiguration.policy
        var (found, known): ([JobRecord], Int) = ([], 0)
        for state in [JobState.parked, .inDoubt] {
            for record in try await ledger.jobs(.recharge, in: state, limit: .max) {
                switch Self.choice(record.progress, olderThan: olderThan, isSentAgain: resolution.word == .send, policy, at: now) {
                case .settled: found.append(record)
                case .knownToBOS: known += 1
                case .leftOut: break
                }
            }
        }
        return (found, known)
    }

    enum Choice {
        case settled
        /// BOS has said that it knows it.
        case knownToBOS
        /// It is too young, BOS did not know it often or long enough, or it was sent elsewhere.
        case leftOut
    }

    /// What is done with a doubt. One of which it is not known where it was sent is never sent again together with others.
    static func choice(
        _ progress: Progress, olderThan: Duration, isSentAgain: Bool = false, _ policy: RetryPolicy, at now: Timestamp
    ) -> Choice {
        guard let sent = progress.firstSentAt, sent + olderThan < now else { return .leftOut }
        switch progress.doubt {
        case .acceptedByBOS, .duplicate: return .knownToBOS
        case .unanswered, .refused: break
        case nil: return .leftOut
        }
        guard progress.notFoundAnswers >= policy.settle.answers, let heard = progress.firstNotFound?.civil,
            heard + progress.settleWindow(policy) <= now, progress.sentTo.map(policy.reaches) ?? !isSentAgain
        else { return .leftOut }
        return .settled
    }

    /// `false`, and a row that says why, if the recharge is left as it was. One that cannot be settled keeps none of the others.
    private func settle(_ record: JobRecord, _ report: CallReport<Enquiry>, _ ledger: any Ledger) async throws -> Bool {
        let name = "recharge \(record.job.reference.printable)"
        guard case .found(.notFound, _, _) = report.event else {
            console.row(
                "\(name) is left as it was: BOS does not say that it does not know it (\(record.job.withoutSubscriber(report.note)))")
            return false
        }
        do {
            try resolution.check(record, lastSentAt: try await ledger.job(.recharge, reference: record.job.reference)?.history.lastSentAt)
            try await resolution.settle(record, report, ledger)
            return true
        } catch let failure as CommandFailure {
            console.complain("\(failure)")
            if case .repliesOwed = failure { return true }
            return false
        }
    }
}
