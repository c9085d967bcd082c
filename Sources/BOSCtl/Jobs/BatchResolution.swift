import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerSQLite

/// Resolves many doubts at once, by one decision of the operator.
///
/// It takes the recharges that BOS has not answered or has refused, and of which BOS has said "not found" as often and for as long as
/// `retry.settle` demands. BOS is asked about each once more. A recharge that BOS has accepted or known before is left out: only
/// `bosctl resolve REF` resolves it.
struct BatchResolution {
    let resolution: Resolution
    /// Takes only recharges that were first sent longer ago than this.
    let olderThan: Duration

    private var console: Console { resolution.console }

    func run(in ledger: SQLiteLedger) async throws {
        let (records, known) = try await doubts(in: ledger)
        if known > 0 { console.row("left out: \(known) recharges that BOS has accepted or known before; resolve each by its reference") }
        guard !records.isEmpty else { return console.row("no recharge that BOS does not know was sent longer ago than --older-than") }
        guard !records.contains(where: { $0.job.mentionsSubscriber(resolution.reason) }) else { throw CommandFailure.numberInReason }
        let rupees = Money(paise: records.reduce(0) { $0 &+ $1.job.amount.paise }).rupees
        let question = "Resolve \(records.count) recharges, \(rupees) rupees, as \(resolution.outcome), except those that BOS knows by now?"
        try await checkEnquiry(of: Set(records.compactMap(\.job.registerID)), in: ledger)
        guard resolution.isConfirmed || console.confirms(question) else { throw CommandFailure.unconfirmedBatch(count: records.count) }
        let command = "resolve --not-found --older-than \(DurationText.format(olderThan)) \(resolution.options)"
        try await ledger.recording(command, because: resolution.reason) {
            var resolved = 0
            try await OperatorEnquiry(settings: resolution.settings).withClient { enquire in
                for record in records where try await resolve(record, given: await enquire(record), in: ledger) { resolved += 1 }
            }
            let result = "resolved: \(resolved), left as they were: \(records.count - resolved)"
            console.row(result)
            return result
        }
    }

    /// Tries the enquiry of each merchant on a recharge that BOS has executed. If the enquiry does not find that one, its "not found" proves
    /// nothing.
    /// - Throws: ``CommandFailure/blindEnquiry(reference:)`` unless the operator gave `--against-bos`.
    private func checkEnquiry(of merchants: Set<String>, in ledger: any Ledger) async throws {
        let settings = resolution.settings
        let executed = try await ledger.lastExecuted(sentTo: settings.engineConfiguration.policy.destination)
        let examples = executed.filter { $0.job.registerID.map(merchants.contains) == true }
        if examples.count < merchants.count {
            console.row(
                "note: the enquiry could not be tried for \(merchants.count - examples.count) merchants: "
                    + "the ledger has no executed recharge of theirs to try it on"
            )
        }
        for example in examples {
            let report = await OperatorEnquiry(settings: settings).enquire(about: example)
            if case .found(.succeeded, _, _) = report.event { continue }
            guard resolution.isAgainstBOS else { throw CommandFailure.blindEnquiry(reference: example.job.reference) }
        }
    }

    /// Reads the doubts from the ledger, parked or not, that this decision may resolve.
    /// - Returns: those doubts, and how many were left out because BOS has said that it knows them.
    private func doubts(in ledger: any Ledger) async throws -> ([JobRecord], known: Int) {
        let now = SystemClock().now()
        let policy = resolution.settings.engineConfiguration.policy
        var (found, known): ([JobRecord], Int) = ([], 0)
        for state in [JobState.parked, .inDoubt] {
            for record in try await ledger.jobs(.recharge, in: state, limit: .max) {
                switch Self.choice(record.progress, olderThan: olderThan, isSentAgain: resolution.word == .send, policy: policy, at: now) {
                case .included: found.append(record)
                case .knownToBOS: known += 1
                case .leftOut: break
                }
            }
        }
        return (found, known)
    }

    /// What a batch does with one doubt.
    enum Choice {
        case included
        /// Left out: BOS has accepted it, or has said that it knows its reference.
        case knownToBOS
        /// Left out: it is too young, BOS has not said "not found" often or long enough, or it was sent to another API or account.
        case leftOut
    }

    /// Whether a doubt is resolved together with others.
    /// - Parameter isSentAgain: whether the decision sends the recharges again. Then a recharge is left out if it is unknown where it was sent.
    static func choice(
        _ progress: Progress, olderThan: Duration, isSentAgain: Bool = false, policy: RetryPolicy, at now: Timestamp
    ) -> Choice {
        guard let sent = progress.firstSentAt, sent + olderThan < now else { return .leftOut }
        switch progress.doubt {
        case .acceptedByBOS, .duplicate: return .knownToBOS
        case .unanswered, .refused: break
        case nil: return .leftOut
        }
        guard progress.notFoundAnswers >= policy.notFound.answers, let heard = progress.firstNotFound?.wallClock,
            heard + progress.notFoundWindow(under: policy) <= now, progress.sentTo.map(policy.reaches) ?? !isSentAgain
        else { return .leftOut }
        return .included
    }

    /// Resolves one recharge. A failure is printed, and does not stop the others.
    /// - Returns: `false` if the recharge was left as it was, for the reason that was printed.
    private func resolve(_ record: JobRecord, given report: CallReport<Enquiry>, in ledger: SQLiteLedger) async throws -> Bool {
        let name = "recharge \(record.job.reference.printable)"
        guard case .found(.notFound, _, _) = report.event else {
            console.row(
                "\(name) is left as it was: BOS does not answer \"not found\" now (\(record.job.withoutSubscriber(report.note)))")
            return false
        }
        do {
            try resolution.check(record, lastSentAt: try await ledger.job(.recharge, reference: record.job.reference)?.history.lastSentAt)
            _ = try await resolution.apply(to: record, given: report, in: ledger)
            return true
        } catch let failure as CommandFailure {
            console.complain("\(failure)")
            if case .repliesOwed = failure { return true }
            return false
        }
    }
}
