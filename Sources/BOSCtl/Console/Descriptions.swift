import JobModel
import Ledger

// What the ledger stores as names, as an operator reads it.

extension JobState {
    var humanDescription: String {
        switch self {
        case .accepted: "accepted, not executed yet"
        case .sending: "being sent to BOS"
        case .inDoubt: "in doubt: it may have been executed, BOS is asked"
        case .pending: "BOS has not decided it yet"
        case .parked: "left to a person: nothing more happens by itself"
        case .held: "not sent: it repeats an earlier purchase, and a person decides"
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .refused: "refused, never sent"
        case .notFound: "BOS does not know it"
        case .expired: "expired"
        case .answeredPending: "BOS was still working on it when it answered"
        }
    }
}

extension DoubtCause {
    var humanDescription: String {
        switch self {
        case .unanswered: "no usable answer came"
        case .acceptedByBOS: "BOS accepted it and has not said how it ended"
        case .duplicate: "BOS says that the reference was used before"
        case .refused: "BOS refused it with a code that may not be final"
        }
    }
}

extension WaitReason {
    var humanDescription: String {
        switch self {
        case .notSent: "it could not be sent to BOS"
        case .throttled: "BOS takes no more calls for now"
        case .credentialsRefused: "BOS refuses the worker's token or signature, or there is no token"
        case .ownCredentialsRefused: "BOS refuses the credentials of this job and accepts others"
        case .postponed: "BOS takes no recharge for now"
        case .late: "too little time was left for the call"
        case .breakerOpen: "the worker sends nothing now, because BOS failed too often"
        case .operatorHold: "an operator holds recharges (bosctl pause), so it was not sent"
        case .doubt: "BOS is asked again then"
        case .unanswered: "BOS gave no usable answer"
        case .panPending: "BOS has not decided the application"
        }
    }
}

extension HistoryEntry.Event {
    var humanDescription: String {
        switch self {
        case .accepted: "accepted"
        case .resumed: "taken up again"
        case .sending: "about to be sent"
        case .doubt: "in doubt, asks BOS"
        case .enquired: "asks BOS"
        case .waiting: "waits"
        case .released: "released"
        case .requeued: "back on its queue"
        case .parked: "left to a person"
        case .resolved: "resolved by a person"
        case .finished: "finished"
        case .conflict: "conflict refused"
        case .unreadable: "cannot be read"
        }
    }
}

extension RechargeMachine.Finding {
    /// Completes the sentence "BOS says: ".
    var humanDescription: String {
        switch self {
        case .succeeded: "it was executed"
        case .failed(refunded: false): "it failed"
        case .failed(refunded: true): "it was refunded"
        case .pending: "it is still in progress"
        case .notFound: "it does not know the reference"
        case .declined: "no, with a code of unknown meaning (api.enquiry.failedCodes)"
        }
    }
}
