import ArgumentParser
import Daemon
import JobEngine
import JobModel
import Ledger

/// Why a command could not do what it was asked, in a sentence for the person at the keyboard.
enum CommandFailure: Error, CustomStringConvertible {
    case ledger(path: String, LedgerError)
    case unknownJob(reference: String, [JobKind], path: String)
    /// A run works on it at this moment.
    case owned(JobKind, reference: String, owner: String)
    case over(JobKind, reference: String, JobState, at: Timestamp?)
    case noDoubt(reference: String, JobState)
    /// The history must not hold a subscriber's number.
    case numberInReason
    /// The request may still be on its way to BOS.
    case insideWindow(reference: String, since: Timestamp, window: Duration)
    /// BOS has said that it knows the recharge.
    case notToBeSent(reference: String, JobState)
    /// It would move money, and BOS does not say now that it does not know the recharge.
    case notDenied(reference: String, answer: String)
    /// It would move money, and nobody has said that it shall.
    case wouldSend(reference: String, Money)
    /// BOS says the opposite of what the person says.
    case contradicted(reference: String, answer: String)
    /// Nobody has said yes.
    case unconfirmed(reference: String)
    case unconfirmedBatch(count: Int)
    /// BOS does not find a recharge that it has executed.
    case blindEnquiry(reference: String)
    /// Something happened to the job while the person thought about it.
    case changed(JobKind, reference: String)
    /// The verdict is stored; its replies are not published.
    case repliesOwed(reference: String, count: Int, reason: String)

    var description: String {
        switch self {
        case .ledger(let path, .unavailable(let detail)):
            "ledger.url sqlite:\(path): \(detail) (the systemd unit keeps the worker's ledger in /var/lib/bos-worker: "
                + "add --ledger.url=sqlite:/var/lib/bos-worker/ledger.sqlite)"
        case .ledger(let path, let error): "ledger.url sqlite:\(path): \(error)"
        case .unknownJob(let reference, let kinds, let path):
            "the ledger \(path) has no \(kinds.map(\.rawValue).joined(separator: ", ")) of the reference \(reference.printable): if its "
                + "message still waits in its queue, the worker has not taken it over, and nothing was sent to BOS so far; else check the "
                + "spelling of the reference, and ledger.url"
        case .owned(let kind, let reference, let owner):
            "the worker is working on \(kind.rawValue) \(reference.printable) now (\(owner.printable)); nothing was changed: "
                + "look again in a minute, and if no worker is running, start it"
        case .over(let kind, let reference, let state, let moment):
            "\(kind.rawValue) \(reference.printable) is over\(moment.map { " since \($0.rfc3339)" } ?? ""): \(state.words); "
                + "nothing was changed"
        case .noDoubt(let reference, .held):
            "recharge \(reference.printable) is held back and was never sent, it cannot have succeeded: `bosctl retry --send` sends "
                + "it, --failed refuses it"
        case .noDoubt(let reference, let state):
            "recharge \(reference.printable) is not in doubt but \(state.rawValue) (\(state.words)): there is nothing to settle, "
                + "`bosctl job` shows its history"
        case .numberInReason:
            "--reason holds the subscriber's number, which the history must not: say it without; nothing was changed"
        case .insideWindow(let reference, let since, let window):
            "recharge \(reference.printable) was sent at \(since.rfc3339), less than retry.settle.window (\(DurationText.spell(window))) ago: the "
                + "request may still be executed, and nothing was changed; wait, or add --inside-window if you know that it cannot"
        case .notToBeSent(let reference, let state):
            "recharge \(reference.printable) is \(state.rawValue) and is not sent again: it is no doubt, or BOS has said that it knows it, or it was "
                + "sent to another API or account, or its expires_at has passed; nothing was changed"
        case .notDenied(let reference, let answer):
            "recharge \(reference.printable) is not sent again: BOS does not say now that it does not know it (\(answer)); nothing was changed"
        case .wouldSend(let reference, let amount):
            "recharge \(reference.printable), \(amount.rupees) rupees, is held back and was never sent: add --send to have it sent to BOS; "
                + "`bosctl resolve --failed` refuses it; nothing was changed"
        case .contradicted(let reference, let answer):
            "BOS contradicts you about recharge \(reference.printable) (\(answer)); nothing was changed: "
                + "`bosctl retry` lets the worker take BOS's word, --against-bos takes yours"
        case .unconfirmed(let reference):
            "recharge \(reference.printable) was not settled and nothing was changed: answer y, or give --yes where nobody can be asked"
        case .blindEnquiry(let reference):
            "BOS does not find recharge \(reference.printable) either, which it has executed: its \"not found\" proves nothing, and nothing was "
                + "changed; see bos_enquiry_unreliable, or add --against-bos if you know better"
        case .unconfirmedBatch(let count):
            "\(count) recharges were not settled and nothing was changed: answer y, or give --yes where no person can be asked"
        case .changed(let kind, let reference):
            "\(kind.rawValue) \(reference.printable) went on meanwhile, so nothing was changed: look at it again with `bosctl job`"
        case .repliesOwed(let reference, let count, let reason):
            "recharge \(reference.printable) is settled in the ledger, but \(count) of its replies could not be published (\(reason)); "
                + "nothing is lost: the worker publishes them within a few minutes, or at its next start"
        }
    }

    /// Runs a change of a job, and says in a person's words why it could not be made.
    static func explaining<Value>(_ record: JobRecord, _ change: () async throws -> Value) async throws -> Value {
        let (kind, reference) = (record.job.kind, record.job.reference)
        do {
            return try await change()
        } catch let refusal as TakenJob.Refusal {
            switch refusal {
            case .owned(let owner): throw Self.owned(kind, reference: reference, owner: owner)
            case .over(let state, let moment): throw Self.over(kind, reference: reference, state, at: moment)
            case .changed: throw Self.changed(kind, reference: reference)
            }
        }
    }

    /// 1 when the job's own state forbids it, 75 when it may be possible later, 78 when the configuration is wrong.
    var exitCode: ArgumentParser.ExitCode {
        switch self {
        case .unknownJob, .over, .noDoubt, .insideWindow, .notToBeSent, .notDenied, .wouldSend, .contradicted, .unconfirmed,
            .unconfirmedBatch, .blindEnquiry,
            .changed:
            .failure
        case .numberInReason: ArgumentParser.ExitCode(Daemon.ExitCode.usage.rawValue)
        case .owned, .repliesOwed: ArgumentParser.ExitCode(Daemon.ExitCode.notDrained.rawValue)
        case .ledger(_, let error):
            ArgumentParser.ExitCode((error.isRecoverable ? Daemon.ExitCode.notDrained : .internalFault).rawValue)
        }
    }
}
