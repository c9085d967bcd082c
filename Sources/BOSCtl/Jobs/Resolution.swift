import Daemon
import JobEngine
import JobModel
import Ledger

/// One doubt settled by a person: BOS is heard, the word is weighed, then stored with its reply, then told.
struct Resolution {
    let word: ResolveCommand.Word
    let reason: String
    /// The person has said yes beforehand.
    let isConfirmed: Bool
    let isAgainstBOS: Bool
    /// The person knows that no request is on its way any more.
    let isInsideWindow: Bool
    let settings: Settings
    let console: Console

    private var policy: RetryPolicy { settings.engineConfiguration.policy }
    private var succeeded: Bool { word == .succeeded }

    /// What becomes of the recharge by the person's word.
    var outcome: String {
        switch word {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .send: "not executed, to be sent again"
        }
    }

    func run(_ reference: String, _ ledger: any Ledger, _ access: LedgerAccess) async throws {
        guard let (known, history) = try await ledger.job(.recharge, reference: reference), case .recharge = known.job else {
            throw CommandFailure.unknownJob(reference: reference, [.recharge], path: access.path)
        }
        try check(known, lastSentAt: history.lastSentAt)
        let report = await answer(about: known)
        try weigh(report, known)
        try await settle(known, report, ledger)
    }

    /// What BOS says of the recharge. Another API or account than the one it was sent to has nothing to say of it, and is not asked.
    private func answer(about known: JobRecord) async -> CallReport<Enquiry> {
        if let sentTo = sentElsewhere(known) {
            return CallReport(.unanswered(.notSent, retryAfter: nil), note: "not asked: it was sent to \(sentTo)")
        }
        return await BOSInquiry(settings: settings).ask(known)
    }

    private func sentElsewhere(_ record: JobRecord) -> String? { record.progress.sentTo.flatMap { policy.reaches($0) ? nil : $0 } }

    /// Stores the word and tells the askers.
    func settle(_ known: JobRecord, _ report: CallReport<Enquiry>, _ ledger: any Ledger) async throws {
        let name = "recharge \(known.job.reference.printable), \(known.job.amount.rupees) rupees,"
        guard word != .send else {
            try await sendAgain(known, report, ledger)
            return console.row("\(name) is sent again; bos-poller puts it back on its queue")
        }
        let (verdict, replies) = try await store(known, report, ledger)
        console.row("\(name) is settled as \(verdict.outcome.rawValue)")
        if let owed = try await ReplyDelivery(settings: settings, console: console).deliver(replies, from: ledger) {
            throw CommandFailure.repliesOwed(reference: known.job.reference, count: owed.count, reason: owed.reason)
        }
        console.row("replies sent: \(replies.count)")
    }

    /// Whether the word may be taken of this recharge at all.
    /// - Parameter lastSentAt: when it was sent last, as far as its history tells.
    func check(_ record: JobRecord, lastSentAt: Timestamp?) throws(CommandFailure) {
        let (state, reference, now) = (record.progress.state, record.job.reference, SystemClock().moment)
        guard !record.job.mentionsSubscriber(reason) else { throw .numberInReason }
        guard !state.isFinal else { throw .over(.recharge, reference: reference, state, at: record.progress.completedAt) }
        if let owner = record.owner, OperatorClaim.isWorkers(owner) { throw .owned(.recharge, reference: reference, owner: owner) }
        guard word != .send else {
            guard record.sentAgain(policy, at: now) != nil else { throw .notToBeSent(reference: reference, state) }
            return try checkWindow(record, lastSentAt, at: now)
        }
        guard record.resolved(stored(), policy: policy, at: now) != nil else { throw .noDoubt(reference: reference, state) }
        if !succeeded, state != .held { try checkWindow(record, lastSentAt, at: now) }
    }

    /// A request that is on its way may be executed after it was called failed.
    private func checkWindow(_ record: JobRecord, _ lastSentAt: Timestamp?, at now: Moment) throws(CommandFailure) {
        let window = record.progress.settleWindow(policy)
        guard !isInsideWindow, let sent = lastSentAt ?? record.progress.firstSentAt, now.civil < sent + window else { return }
        throw .insideWindow(reference: record.job.reference, since: sent, window: window)
    }

    /// Goes on only if BOS says the same, or the person stands by it.
    private func weigh(_ report: CallReport<Enquiry>, _ record: JobRecord) throws(CommandFailure) {
        let note = record.job.withoutSubscriber(report.note)
        if let sentTo = sentElsewhere(record) {
            console.row("BOS cannot be asked here: it was sent to \(sentTo), and this configuration calls \(policy.destination)")
            return try confirm("BOS could not be asked.", record)
        }
        // Money moves: then no flag stands in for BOS's own no.
        if word == .send { guard report.deniesRecharge else { throw .notDenied(reference: record.job.reference, answer: note) } }
        switch report.event {
        case .found(let finding, _, let subject):
            if case .saysNothing(let why) = record.weighed(finding, subject) {
                console.row("BOS says nothing about this recharge: \(why) (\(note))")
                return try confirm("BOS does not confirm that it \(outcome).", record)
            }
            console.row("BOS says: \(finding.words) (\(note))")
            switch Corroboration(of: succeeded, by: finding) {
            case .confirmed: return
            case .open: try confirm("BOS does not confirm that it \(outcome).", record)
            case .contradicted:
                guard isAgainstBOS else { throw .contradicted(reference: record.job.reference, answer: "it says: \(finding.words)") }
                console.row("BOS says the opposite, and your word is taken against it (--against-bos)")
            }
        case .unanswered, .ownCredentialsRefused:
            console.row("BOS gave no answer: \(note)")
            try confirm("BOS could not be asked.", record)
        }
    }

    private func confirm(_ problem: String, _ record: JobRecord) throws(CommandFailure) {
        guard !isConfirmed else { return }
        let question = "\(problem) Settle recharge \(record.job.reference.printable), \(record.job.amount.rupees) rupees, as \(outcome)?"
        guard console.asks(question) else { throw .unconfirmed(reference: record.job.reference) }
    }

    /// Verdict and final reply in one transaction, unless something happened to the recharge since BOS was asked.
    private func store(
        _ known: JobRecord, _ report: CallReport<Enquiry>, _ ledger: any Ledger
    ) async throws -> (Verdict, [OutgoingReply]) {
        let now = SystemClock().moment
        return try await CommandFailure.explaining(known) {
            try await OperatorClaim(known, from: ledger, as: Person.command, at: now.civil).resolve(
                stored(heard: report.event.heard(of: known)), knowing: known, policy: policy, at: now,
                entry: HistoryEntry(at: now.civil, .resolved, detail: story(report, known)), otherwise: unchanged(now))
        }
    }

    private func sendAgain(_ known: JobRecord, _ report: CallReport<Enquiry>, _ ledger: any Ledger) async throws {
        let now = SystemClock().moment
        try await CommandFailure.explaining(known) {
            try await OperatorClaim(known, from: ledger, as: Person.command, at: now.civil).sendAgain(
                knowing: known, policy: policy, at: now, entry: HistoryEntry(at: now.civil, .resolved, detail: story(report, known)),
                otherwise: unchanged(now))
        }
    }

    private func unchanged(_ now: Moment) -> HistoryEntry {
        HistoryEntry(at: now.civil, .released, detail: "bosctl resolve of \(Person.current) left it as it was")
    }

    private func stored(heard: Answer? = nil) -> OperatorClaim.Decision {
        OperatorClaim.Decision(succeeded: succeeded, reason: reason, heard: heard)
    }

    /// Who, why, and what BOS said.
    private func story(_ report: CallReport<Enquiry>, _ record: JobRecord) -> String {
        let answer =
            switch report.event {
            case .found(let finding, _, let subject):
                if case .saysNothing(let why) = record.weighed(finding, subject) {
                    "BOS says nothing about this recharge: \(why)"
                } else {
                    "BOS says: \(finding.words)"
                        + (Corroboration(of: succeeded, by: finding) == .contradicted ? " (against it, --against-bos)" : "")
                }
            case .unanswered, .ownCredentialsRefused: "BOS gave no answer"
            }
        return record.job.withoutSubscriber("\(outcome), says \(Person.current): \(reason); \(answer), \(report.note)")
    }
}

extension [HistoryEntry] {
    /// When the recharge was about to be sent last.
    var lastSentAt: Timestamp? { last { $0.event == .sending || $0.event == .accepted }?.at }
}

extension CallReport where Event == Enquiry {
    /// Whether BOS says that it has no such recharge, or says no without saying to what.
    var deniesRecharge: Bool {
        switch event {
        case .found(.notFound, _, _), .found(.declined, _, _): true
        case .found, .unanswered, .ownCredentialsRefused: false
        }
    }
}

extension Enquiry {
    /// What BOS said of the recharge. "Not found" says nothing of it, and must not push away what BOS has said before.
    fileprivate func heard(of record: JobRecord) -> Answer? {
        guard case .found(let finding, let answer, let subject) = self, finding != .notFound,
            case .counts = record.weighed(finding, subject)
        else { return nil }
        return answer
    }
}

extension JobRecord {
    /// What a person's enquiry says of this recharge. Its command has not seen what the enquiry finds. It takes a number for BOS's own where the
    /// answer names this subscriber, and an answer without names for what it says: the person decides.
    fileprivate func weighed(_ finding: RechargeMachine.Finding, _ subject: Subject) -> WeighedFinding {
        guard case .recharge(let recharge) = job else { return .counts(finding) }
        return finding.weighed(
            subject, against: recharge, names: recharge.names(progress.bosReference), .passed(showsData: false, hasOwnNumbers: true))
    }
}
