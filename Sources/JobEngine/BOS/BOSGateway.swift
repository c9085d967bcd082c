package import JobModel
package import Ledger

/// BOS as the engine sees it: each call is one attempt, and its result is already an event of the job's state machine.
package protocol BOSGateway: Sendable {
    /// Sends a recharge once; the permit is spent by it.
    func recharge(_ permit: consuming RetryPermit, _ recharge: Recharge, _ call: CallOptions) async -> CallReport<
        RechargeMachine.Event
    >
    func enquire(_ reference: String, registerID: String, _ call: CallOptions) async -> CallReport<Enquiry>
    func panStatus(_ query: PANStatusQuery, _ call: CallOptions) async -> CallReport<PANStatusMachine.Event>
    /// Gets newer credentials than those that were refused last. `true` if there are some.
    func renewCredentials() async -> Bool
}

/// What every call carries.
package struct CallOptions: Sendable {
    package var traceparent: String?
    package var timeout: Duration
    /// Asked directly before a recharge leaves: `false` once its deadline has passed or too little time is left for an answer. Nothing is sent then.
    package var isTimely: @Sendable () -> Bool

    package init(traceparent: String?, timeout: Duration, isTimely: @escaping @Sendable () -> Bool = { true }) {
        self.traceparent = traceparent
        self.timeout = timeout
        self.isTimely = isTimely
    }
}

/// What became of one call, for the state machine and for people.
package struct CallReport<Event: Sendable>: Sendable {
    package var event: Event
    /// One clause for the job's history: what was called, and what came of it or why nothing did. No subscriber number, no secret.
    package var note: String

    /// BOS's answer, if it refused the credentials of a recharge.
    package var refusal: Answer?
    /// BOS's answer, to be counted for people; `nil` if there was none, or it is the plain success of a recharge.
    package var sighting: CodeSighting?

    package init(_ event: Event, note: String, sighting: CodeSighting? = nil) {
        self.event = event
        self.note = note
        self.sighting = sighting
    }

    /// Whether BOS answered at all: with something that can be counted, and no fault of its own.
    var isAnswered: Bool { sighting.map { $0.name.httpStatus < 500 } ?? false }

    package func map<Other>(_ transform: (Event) -> Other) -> CallReport<Other> {
        var report = CallReport<Other>(transform(event), note: note, sighting: sighting)
        report.refusal = refusal
        return report
    }
}

/// What became of one enquiry.
package enum Enquiry: Sendable {
    case found(RechargeMachine.Finding, Answer, Subject = Subject())
    case unanswered(WaitReason, retryAfter: Duration?)
    /// BOS was not asked: the worker held the enquiry back, or had no credentials to send.
    case heldBack(WaitReason, retryAfter: Duration?)
    /// BOS refuses the credentials of this enquiry and takes those of others.
    case ownCredentialsRefused
}
