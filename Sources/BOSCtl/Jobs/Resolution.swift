import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerSQLite

/// One doubt resolved by an operator. BOS is asked, its answer is compared with the operator's decision, the verdict is stored together with
/// its replies, and the replies are published.
struct Resolution {
    let word: ResolveCommand.Word
    let reason: String
    /// The operator gave `--yes`.
    let isConfirmed: Bool
    /// The operator gave `--against-bos`: the decision counts although BOS says the opposite.
    let isAgainstBOS: Bool
    /// The operator gave `--inside-window`: BOS cannot execute an earlier request any more.
    let isInsideWindow: Bool
    let settings: Settings
    let console: Console

    private var policy: RetryPolicy { settings.engineConfiguration.policy }
    private var succeeded: Bool { word == .succeeded }

    /// What the recharge counts as after the decision.
    var outcome: String {
        switch word {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .send: "not executed, to be sent again"
        }
    }

    func run(_ reference: String, in ledger: SQLiteLedger, path: String) async throws {
        guard let (known, history) = try await ledger.job(.recharge, reference: reference), case .recharge = known.job else {
            throw CommandFailure.unknownJob(reference: reference, [.recharge], path: path)
        }
        try check(known, lastSentAt: history.lastSentAt)
        console.row("recharge \(reference.printable), \(known.job.amount.rupees) rupees, is \(known.progress.state.humanDescription).")
        let condition = sentElsewhere(known) == nil ? "BOS is asked about it now. Unless BOS contradicts" : "If you confirm"
        console.row("\(condition), \(plan).")
        try await ledger.recording("resolve \(options)", about: reference, because: reason) {
            let report = await answer(about: known)
            try weigh(report, about: known)
            return try await apply(to: known, given: report, in: ledger)
        }
    }

    /// What the command does to the recharge, in one clause.
    private var plan: String {
        switch word {
        case .succeeded, .failed: "it ends as \(outcome) for good, and its recipients get the final reply"
        case .send: "it is sent to BOS again, which moves money"
        }
    }

    /// The options that the operations log names.
    var options: String {
        let flags = [("--against-bos", isAgainstBOS), ("--inside-window", isInsideWindow), ("--yes", isConfirmed)]
        return (["--\(word.rawValue)"] + flags.filter(\.1).map(\.0)).joined(separator: " ")
    }

    /// What BOS says about the recharge. BOS is not asked if the recharge was sent to another API or account, which alone knows it.
    private func answer(about known: JobRecord) async -> CallReport<Enquiry> {
        if let sentTo = sentElsewhere(known) {
            return CallReport(.unanswered(.notSent, retryAfter: nil), note: "BOS was not asked, because the recharge was sent to \(sentTo)")
        }
        return await OperatorEnquiry(settings: settings).enquire(about: known)
    }

    private func sentElsewhere(_ record: JobRecord) -> String? { record.progress.sentTo.flatMap { policy.reaches($0) ? nil : $0 } }

    /// Stores the decision and publishes the replies to all who requested the recharge.
    /// - Returns: the result in one clause, for the operations log.
    func apply(to known: JobRecord, given report: CallReport<Enquiry>, in ledger: SQLiteLedger) async throws -> String {
        let name = "recharge \(known.job.reference.printable), \(known.job.amount.rupees) rupees,"
        guard word != .send else {
            try await sendAgain(known, given: report, in: ledger)
            console.row("\(name) is due to be sent again; bos-poller puts it back on its queue")
            try await ledger.sayHold(of: known.job, in: .accepted, on: console)
            return "due to be sent again: \(known.job.amount.rupees) rupees"
        }
        let (verdict, replies) = try await store(known, given: report, in: ledger)
        console.row("\(name) is resolved as \(verdict.outcome.rawValue)")
        if let owed = try await ReplyDelivery(settings: settings, console: console).deliver(replies, from: ledger) {
            throw CommandFailure.repliesOwed(reference: known.job.reference, count: owed.count, reason: owed.reason)
        }
        console.row("replies published: \(replies.count)")
        return "resolved as \(verdict.outcome.rawValue); replies published: \(replies.count)"
    }

    /// Checks whether the decision may be applied to this recharge at all, whatever BOS says.
    /// - Parameter lastSentAt: when the recharge was last sent, according to its history.
    func check(_ record: JobRecord, lastSentAt: Timestamp?) throws(CommandFailure) {
        let (state, reference, now) = (record.progress.state, record.job.reference, SystemClock().moment)
        guard !record.job.mentionsSubscriber(reason) else { throw .numberInReason }
        guard !state.isFinal else { throw .over(.recharge, reference: reference, state, at: record.progress.completedAt) }
        if let owner = record.owner, OperatorClaim.isWorkers(owner) { throw .owned(.recharge, reference: reference, owner: owner) }
        guard word != .send else {
            guard record.sentAgain(policy, at: now) != nil else { throw .notToBeSent(reference: reference, state) }
            return try checkWindow(record, lastSentAt: lastSentAt, at: now)
        }
        guard record.resolved(decision(), policy: policy, at: now) != nil else { throw .noDoubt(reference: reference, state) }
        if !succeeded, state != .held { try checkWindow(record, lastSentAt: lastSentAt, at: now) }
    }

    /// Refuses a decision inside the settle window: BOS may still execute the last request after the recharge was resolved as failed.
    private func checkWindow(_ record: JobRecord, lastSentAt: Timestamp?, at now: ClockReading) throws(CommandFailure) {
        let window = record.progress.notFoundWindow(under: policy)
        guard !isInsideWindow, let sent = lastSentAt ?? record.progress.firstSentAt, now.wallClock < sent + window else { return }
        throw .insideWindow(reference: record.job.reference, since: sent, window: window)
    }

    /// Returns if BOS confirms the decision, or if the operator confirms it.
    func weigh(_ report: CallReport<Enquiry>, about record: JobRecord) throws(CommandFailure) {
        let note = record.job.withoutSubscriber(report.note)
        if let sentTo = sentElsewhere(record) {
            console.row("BOS cannot be asked: the recharge was sent to \(sentTo), and this configuration calls \(policy.destination)")
            return try confirm("BOS could not be asked.", about: record)
        }
        if word == .send, !report.permitsSending(isAgainstBOS: isAgainstBOS) {
            throw .notDenied(reference: record.job.reference, answer: note)
        }
        switch report.event {
        case .found(let finding, _, let subject):
            if case .unusable(let why) = record.weighed(finding, subject: subject) {
                console.row("BOS says nothing about this recharge: \(why) (\(note))")
                return try confirm("BOS does not confirm that it \(outcome).", about: record)
            }
            console.row("BOS says: \(finding.humanDescription) (\(note))")
            switch Corroboration(claimsSuccess: succeeded, finding: finding) {
            case .confirmed: return
            case .open: try confirm("BOS does not confirm that it \(outcome).", about: record)
            case .contradicted:
                guard isAgainstBOS else {
                    throw .contradicted(reference: record.job.reference, answer: "it says: \(finding.humanDescription)")
                }
                console.row("BOS says the opposite; your decision counts (--against-bos)")
            }
        case .unanswered, .deferred, .ownCredentialsRefused:
            console.row("BOS gave no answer: \(note)")
            try confirm("BOS could not be asked.", about: record)
        }
    }

    private func confirm(_ problem: String, about record: JobRecord) throws(CommandFailure) {
        guard !isConfirmed else { return }
        let question = "\(problem) Resolve recharge \(record.job.reference.printable), \(record.job.amount.rupees) rupees, as \(outcome)?"
        guard console.confirms(question) else { throw .unconfirmed(reference: record.job.reference) }
    }

    /// Stores the verdict and the final replies in one transaction, unless the recharge changed after the operator read it.
    private func store(
        _ known: JobRecord, given report: CallReport<Enquiry>, in ledger: any Ledger
    ) async throws -> (Verdict, [OutgoingReply]) {
        let now = SystemClock().moment
        return try await CommandFailure.explaining(known) {
            try await OperatorClaim(known, from: ledger, as: OperatorIdentity.commandID, at: now.wallClock).resolve(
                decision(heard: report.event.heard(of: known)), knowing: known, policy: policy, at: now,
                entry: HistoryEntry(at: now.wallClock, .resolved, detail: historyText(report, about: known)), otherwise: unchanged(now))
        }
    }

    private func sendAgain(_ known: JobRecord, given report: CallReport<Enquiry>, in ledger: any Ledger) async throws {
        let now = SystemClock().moment
        try await CommandFailure.explaining(known) {
            try await OperatorClaim(known, from: ledger, as: OperatorIdentity.commandID, at: now.wallClock).sendAgain(
                knowing: known, policy: policy, at: now,
                entry: HistoryEntry(at: now.wallClock, .resolved, detail: historyText(report, about: known)),
                otherwise: unchanged(now))
        }
    }

    private func unchanged(_ now: ClockReading) -> HistoryEntry {
        HistoryEntry(at: now.wallClock, .released, detail: "bosctl resolve of \(OperatorIdentity.current) changed nothing")
    }

    private func decision(heard: Answer? = nil) -> OperatorClaim.Decision {
        OperatorClaim.Decision(succeeded: succeeded, reason: reason, heard: heard)
    }

    /// The line for the history: the outcome, the operator, the reason, and what BOS said.
    private func historyText(_ report: CallReport<Enquiry>, about record: JobRecord) -> String {
        let answer =
            switch report.event {
            case .found(let finding, _, let subject):
                if case .unusable(let why) = record.weighed(finding, subject: subject) {
                    "BOS says nothing about this recharge: \(why)"
                } else {
                    "BOS says: \(finding.humanDescription)"
                        + (Corroboration(claimsSuccess: succeeded, finding: finding) == .contradicted ? " (against it, --against-bos)" : "")
                }
            case .unanswered, .deferred, .ownCredentialsRefused: "BOS gave no answer"
            }
        return record.job.withoutSubscriber("\(outcome), says \(OperatorIdentity.current): \(reason); \(answer), \(report.note)")
    }
}

extension [HistoryEntry] {
    /// When the recharge was last about to be sent.
    var lastSentAt: Timestamp? { last { $0.event == .sending || $0.event == .accepted }?.at }
}

extension CallReport where Event == Enquiry {
    /// Whether the operator may have the recharge sent again. That moves money, so BOS must say now that it does not know the recharge. Where BOS
    /// declines with a code of unknown meaning, it may have declined the question; then the operator's own word is needed besides.
    func permitsSending(isAgainstBOS: Bool) -> Bool {
        switch event {
        case .found(.notFound, _, _): true
        case .found(.declined, _, _): isAgainstBOS
        case .found, .unanswered, .deferred, .ownCredentialsRefused: false
        }
    }
}

extension Enquiry {
    /// What BOS said about the recharge. "Not found" says nothing about it, and must not replace an earlier answer.
    fileprivate func heard(of record: JobRecord) -> Answer? {
        guard case .found(let finding, let answer, let subject) = self, finding != .notFound,
            case .usable = record.weighed(finding, subject: subject)
        else { return nil }
        return answer
    }
}

extension JobRecord {
    /// What the answer to an operator's enquiry means for this recharge. `bosctl` has no calibration of the enquiry as the worker has. A number
    /// counts as BOS's own if the answer names this subscriber. An answer that names no recharge counts as it stands, because the operator decides.
    fileprivate func weighed(_ finding: RechargeMachine.Finding, subject: Subject) -> WeighedFinding {
        guard case .recharge(let recharge) = job else { return .usable(finding) }
        return finding.weighed(
            about: subject, against: recharge, names: recharge.names(bosReference: progress.bosReference),
            calibration: .passed(showsData: false, hasOwnNumbers: true))
    }
}
