import JobModel
import Ledger

// What a letter's headers and its check say, as an operator reads it.

extension DeadLetterCause {
    var humanDescription: String {
        switch self {
        case .refused(.undecodable): "the worker could not read it"
        case .refused(.invalidJob): "the worker refused it, because it breaks a rule for jobs"
        case .refused(.tooLarge): "the worker refused it, because it is too large"
        case .refused(.unknownKind): "the worker could not tell what kind of job it is"
        case .rejected: "the worker rejected it: too large to be read, or the ledger knows its job and cannot read it there"
        case .deliveryLimit: "the broker gave up: it was handed out too often and never finished"
        case .expired: "it waited in its queue until its expiration; its caller has no reply"
        case .queueFull: "its queue was full; its caller has no reply"
        case .unknown: "its headers do not say; it was not put here by the worker"
        }
    }

    /// For a table.
    var label: String {
        switch self {
        case .refused(.undecodable): "unreadable"
        case .refused(.invalidJob): "invalid job"
        case .refused(.tooLarge): "too large"
        case .refused(.unknownKind): "unknown kind"
        case .rejected: "rejected"
        case .deliveryLimit: "too often"
        case .expired: "expired"
        case .queueFull: "queue full"
        case .unknown: "not said"
        }
    }
}

extension ReplayCheck {
    /// Whether the letter may be replayed, in one sentence.
    var humanDescription: String {
        guard let obstacle else {
            return asksBOS ? "yes, if BOS says that it does not know the recharge" : "yes, it moves no money"
        }
        return "no: \(obstacle.humanDescription)"
    }

    /// For a table.
    var label: String { obstacle.map { "no, \($0.label)" } ?? (asksBOS ? "BOS is asked" : "yes") }

    /// What the ledger says of the job.
    var ledgerDescription: String {
        if let record {
            let state = record.progress.state
            return "\(record.job.kind.rawValue) \(state.rawValue): \(state.humanDescription)"
        }
        if obstacle == .unreadableInLedger { return "its row cannot be read" }
        return reference == nil ? "unknown, no reference can be read" : "it does not know this job"
    }
}

extension ReplayCheck.Obstacle {
    var humanDescription: String {
        switch self {
        case .notAJob(let detail): "the worker would refuse it again: \(detail). The caller has to publish a correct job"
        case .ofAnotherLedger: "it is a job of another ledger, which alone knows whether it was sent"
        case .ended(let state, let moment):
            "the ledger has it, and it ended\(moment.map { " at \($0.rfc3339)" } ?? ""): \(state.humanDescription). bosctl job shows it"
        case .unfinished(let state):
            "the ledger has it and goes on with it: \(state.humanDescription). bosctl job shows it"
        case .unreadableInLedger: "the ledger knows the job and cannot read its row, so it may have been sent"
        case .wasRefused:
            "its caller was told that it is refused, which is final, and may have bought it elsewhere. If the caller wants it all the same, "
                + "add --although-refused"
        }
    }

    /// For a table.
    var label: String {
        switch self {
        case .notAJob: "not a job"
        case .ofAnotherLedger: "elsewhere"
        case .ended: "it ended"
        case .unfinished: "open"
        case .unreadableInLedger: "bad row"
        case .wasRefused: "refused"
        }
    }
}
