import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// Why a command could not be carried out. Its description is a sentence for the operator.
enum CommandFailure: Error, CustomStringConvertible {
    case ledger(path: String, LedgerError)
    /// A file of the ledger or a copy. The error names it.
    case ledgerFile(LedgerError)
    /// The operator did not confirm the restoring, or its end.
    case unconfirmedRestoring
    /// There is no restoring to be ended.
    case notRestored(path: String)
    case unknownJob(reference: String, [JobKind], path: String)
    /// A run of the worker owns the job now.
    case owned(JobKind, reference: String, owner: String)
    /// The job is final.
    case over(JobKind, reference: String, JobState, at: Timestamp?)
    /// The recharge is not in a state that the decision can change.
    case noDoubt(reference: String, JobState)
    /// The reason contains the subscriber's number, which must not get into the history.
    case numberInReason
    /// The settle window is still open: BOS may still execute the last request.
    case insideWindow(reference: String, since: Timestamp, window: Duration)
    /// The rules forbid another sending, for example because BOS knows the recharge.
    case notToBeSent(reference: String, JobState)
    /// Sending again would move money, and BOS did not say now that it does not know the recharge.
    case notDenied(reference: String, answer: String)
    /// The command would move money, and the operator did not give `--send`.
    case wouldSend(reference: String, Money)
    /// BOS says the opposite of what the operator says.
    case contradicted(reference: String, answer: String)
    /// The operator did not confirm the decision.
    case unconfirmed(reference: String)
    case unconfirmedBatch(count: Int)
    /// The job has no stored reply.
    case noReply(reference: String)
    /// Replies that were published again, and that no queue has taken.
    case unroutable(reference: String, count: Int, kept: Int, queue: String)
    /// Replies that were to be published again, and that the broker has not confirmed.
    case notPublishedAgain(reference: String, count: Int, reason: String)
    /// No operator holds these jobs.
    case notHeld(HeldJobs)
    /// The enquiry does not find a recharge that BOS has executed.
    case blindEnquiry(reference: String)
    /// The job changed after the operator read it.
    case changed(JobKind, reference: String)
    /// The verdict is stored, but some of its replies are not published.
    case repliesOwed(reference: String, count: Int, reason: String)

    var description: String {
        switch self {
        case .ledger(let path, .unavailable(let detail)):
            "ledger.url sqlite:\(path): \(detail) (under systemd the worker's ledger is in /var/lib/bos-worker: "
                + "add --ledger.url=sqlite:/var/lib/bos-worker/ledger.sqlite)"
        case .ledger(let path, let error): "ledger.url sqlite:\(path): \(error)"
        case .ledgerFile(let error): "\(error)"
        case .unconfirmedRestoring: "nothing was changed: answer y, or give --yes where there is no terminal"
        case .notRestored(let path): "\(path) is not being restored, so there is nothing to end"
        case .unknownJob(let reference, let kinds, let path):
            "the ledger \(path) has no \(kinds.map(\.rawValue).joined(separator: ", ")) of the reference \(reference.printable): if its "
                + "message still waits in its queue, the worker has not taken it over, and nothing was sent to BOS so far; else check the "
                + "spelling of the reference, and ledger.url"
        case .owned(let kind, let reference, let owner):
            "the worker is working on \(kind.rawValue) \(reference.printable) now (\(owner.printable)); nothing was changed. "
                + "Try again in a minute. If no worker is running, start one"
        case .over(let kind, let reference, let state, let moment):
            "\(kind.rawValue) \(reference.printable) ended\(moment.map { " at \($0.rfc3339)" } ?? ""): \(state.humanDescription); "
                + "nothing was changed"
        case .noDoubt(let reference, .held):
            "recharge \(reference.printable) is held and was never sent, so it cannot have succeeded: `bosctl retry --send` sends "
                + "it, `bosctl resolve --failed` refuses it"
        case .noDoubt(let reference, let state):
            "recharge \(reference.printable) is not in doubt but \(state.rawValue) (\(state.humanDescription)), so there is nothing to resolve; "
                + "`bosctl job` shows its history"
        case .numberInReason:
            "--reason holds the subscriber's number, which must not get into the history: leave it out; nothing was changed"
        case .insideWindow(let reference, let since, let window):
            "recharge \(reference.printable) was sent at \(since.rfc3339), less than retry.settle.window (\(DurationText.format(window))) ago: the "
                + "request may still be executed; nothing was changed. Wait, or add --inside-window if you know that BOS cannot execute it any more"
        case .notToBeSent(let reference, let state):
            "recharge \(reference.printable) is \(state.rawValue) and is not sent again; nothing was changed. Either it is not in doubt, or BOS has "
                + "said that it knows it, or it was sent to another API or account, or its expires_at has passed"
        case .notDenied(let reference, let answer):
            "recharge \(reference.printable) is not sent again: BOS must say now that it does not know it, and says: \(answer); nothing was changed. "
                + "Where BOS declines with a code of unknown meaning, --against-bos adds your own word"
        case .wouldSend(let reference, let amount):
            "recharge \(reference.printable), \(amount.rupees) rupees, is held and was never sent: add --send to send it to BOS, "
                + "or refuse it with `bosctl resolve --failed`; nothing was changed"
        case .contradicted(let reference, let answer):
            "BOS contradicts you about recharge \(reference.printable) (\(answer)); nothing was changed. "
                + "With `bosctl retry` the worker follows BOS; with --against-bos your decision counts"
        case .unconfirmed(let reference):
            "recharge \(reference.printable) was not resolved; nothing was changed: answer y, or give --yes where there is no terminal"
        case .blindEnquiry(let reference):
            "BOS does not find recharge \(reference.printable) either, although it has executed it: its \"not found\" proves nothing; nothing was "
                + "changed. See bos_enquiry_unreliable, or add --against-bos if you know better"
        case .noReply(let reference):
            "\(reference.printable) has no stored reply yet, so there is nothing to publish again; `bosctl job` says what it waits for"
        case .unroutable(let reference, let count, let kept, let queue):
            "the broker has no queue for \(count) replies of \(reference.printable), so their recipients did not get them: have the upstream bind "
                + "its queue, then give the command again; \(kept) of them are in \(queue) now"
        case .notPublishedAgain(let reference, let count, let reason):
            "\(count) replies of \(reference.printable) were not published again (\(reason)); the job and its replies are unchanged. "
                + "Give the command again once the broker is there"
        case .notHeld(let jobs): "no operator holds \(jobs.rawValue); nothing was changed"
        case .unconfirmedBatch(let count):
            "\(count) recharges were not resolved; nothing was changed: answer y, or give --yes where there is no terminal"
        case .changed(let kind, let reference):
            "\(kind.rawValue) \(reference.printable) changed meanwhile, so the command changed nothing: look at it again with `bosctl job`"
        case .repliesOwed(let reference, let count, let reason):
            "recharge \(reference.printable) is resolved in the ledger, but \(count) of its replies could not be published (\(reason)). "
                + "Nothing is lost: the worker publishes them within a few minutes, or at its next start"
        }
    }

    /// Runs a change of a job. Translates ``OperatorClaim/Unavailable`` into a failure that names the job.
    static func explaining<Value>(_ record: JobRecord, change: () async throws -> Value) async throws -> Value {
        let (kind, reference) = (record.job.kind, record.job.reference)
        do {
            return try await change()
        } catch let refusal as OperatorClaim.Unavailable {
            switch refusal {
            case .owned(let owner): throw Self.owned(kind, reference: reference, owner: owner)
            case .over(let state, let moment): throw Self.over(kind, reference: reference, state, at: moment)
            case .changed: throw Self.changed(kind, reference: reference)
            }
        }
    }

    /// 1 when the job's own state forbids the command, 64 for a wrong reason, 75 when the command may work later, 70 for an internal fault.
    var exitCode: ExitCode {
        switch self {
        case .unknownJob, .over, .noDoubt, .insideWindow, .notToBeSent, .notDenied, .wouldSend, .contradicted, .unconfirmed,
            .unconfirmedBatch, .notHeld, .noReply, .unroutable, .blindEnquiry, .unconfirmedRestoring, .notRestored, .changed:
            .failure
        case .numberInReason: ExitCode(ProcessExit.usage.rawValue)
        case .owned, .repliesOwed, .notPublishedAgain: ExitCode(ProcessExit.notDrained.rawValue)
        case .ledgerFile(.diskFull), .ledgerFile(.locked): ExitCode(ProcessExit.notDrained.rawValue)
        case .ledgerFile: .failure
        case .ledger(_, let error):
            ExitCode((error.isRecoverable ? ProcessExit.notDrained : .internalFault).rawValue)
        }
    }
}
