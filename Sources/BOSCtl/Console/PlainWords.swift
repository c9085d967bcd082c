import JobModel
import Ledger

/// What the ledger stores as names, in words for people.
extension JobState {
    var words: String {
        switch self {
        case .accepted: "accepted, nothing was executed so far"
        case .sending: "being sent to BOS"
        case .inDoubt: "in doubt: it may have been executed, BOS is asked"
        case .pending: "BOS has not decided it"
        case .parked: "left to a person: nothing more happens by itself"
        case .held: "not sent: it repeats an earlier purchase, and a person decides"
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .refused: "refused, never sent"
        case .notFound: "BOS does not know it"
        case .expired: "expired"
        case .answeredPending: "BOS was still working on it"
        }
    }
}

extension DoubtCause {
    var words: String {
        switch self {
        case .unanswered: "no usable answer came"
        case .acceptedByBOS: "BOS has taken it and does not say how it ended"
        case .duplicate: "BOS had the reference before"
        case .refused: "BOS refused it, with a code that need not be final"
        }
    }
}

extension WaitReason {
    var words: String {
        switch self {
        case .notSent: "it could not be sent to BOS"
        case .throttled: "BOS takes no more calls for now"
        case .credentialsRefused: "BOS refuses our token or signature, or there is no token to send"
        case .ownCredentialsRefused: "BOS refuses the credentials of this job and takes others"
        case .postponed: "BOS takes no recharge for now"
        case .late: "too little time was left for the call"
        case .breakerOpen: "nothing is sent, BOS has failed too often lately"
        case .doubt: "BOS is asked again then"
        case .unanswered: "BOS gave no usable answer"
        case .panPending: "BOS has not decided the application"
        }
    }
}

extension HistoryEntry.Event {
    var words: String {
        switch self {
        case .accepted: "accepted"
        case .resumed: "taken up again"
        case .sending: "about to be sent"
        case .notTaken: "not taken by BOS"
        case .doubt: "in doubt, asks BOS"
        case .enquired: "asks BOS"
        case .waiting: "waits"
        case .released: "given back"
        case .requeued: "back on its queue"
        case .parked: "left to a person"
        case .resolved: "settled by a person"
        case .replied: "askers told"
        case .finished: "over"
        case .conflict: "conflict refused"
        case .unreadable: "cannot be read"
        }
    }
}

extension RechargeMachine.Finding {
    /// As the end of "BOS says: ".
    var words: String {
        switch self {
        case .succeeded: "it was executed"
        case .failed(refunded: false): "it failed"
        case .failed(refunded: true): "it was refunded"
        case .pending: "it is still being worked on"
        case .notFound: "it does not know the reference"
        case .declined: "no, with a code whose meaning is not known (api.enquiry.failedCodes)"
        }
    }
}
