package import JobModel
package import Ledger

/// BOS as the engine sees it. Each call is one attempt, and its result is an event of the job's state machine.
package protocol BOSGateway: Sendable {
    /// Sends a recharge once. The call consumes the permit.
    func recharge(_ recharge: Recharge, permit: consuming RetryPermit, options: CallOptions) async -> CallReport<
        RechargeMachine.Event
    >
    /// Enquires about a recharge. Moves no money.
    /// - Parameters:
    ///   - reference: the name under which BOS knows the recharge.
    ///   - registerID: the merchant of the recharge.
    func enquire(_ reference: String, registerID: String, options: CallOptions) async -> CallReport<Enquiry>
    /// Queries the state of a PAN application. Moves no money.
    func panStatus(_ query: PANStatusQuery, options: CallOptions) async -> CallReport<PANStatusMachine.Event>
    /// Gets newer credentials than those that were refused last.
    /// - Returns: whether there are newer ones now.
    func renewCredentials() async -> Bool
}

/// What every call carries.
package struct CallOptions: Sendable {
    /// Sent as the header of that name (W3C Trace Context).
    package var traceparent: String?
    /// See ``BOSClient/recharge(_:traceparent:timeout:isTimely:)`` and ``BOSClient/enquire(reference:registerID:traceparent:timeout:)``.
    package var timeout: Duration
    /// Called directly before a recharge leaves. It returns `false` once the deadline has passed, too little time is left for an answer, or an
    /// operator holds recharges. Then nothing is sent.
    package var isTimely: @Sendable () -> Bool

    package init(traceparent: String?, timeout: Duration, isTimely: @escaping @Sendable () -> Bool = { true }) {
        self.traceparent = traceparent
        self.timeout = timeout
        self.isTimely = isTimely
    }

    /// The same options, with which nothing is sent either once `isStopped` returns `true`.
    func stopping(_ isStopped: @escaping @Sendable () -> Bool) -> CallOptions {
        let isTimely = isTimely
        return CallOptions(traceparent: traceparent, timeout: timeout) { !isStopped() && isTimely() }
    }
}

/// The result of one call, for the state machine and for people.
package struct CallReport<Event: Sendable>: Sendable {
    package var event: Event
    /// One clause for the job's history: what was called, and the result, or why the call was not made. No subscriber number, no secret.
    package var note: String

    /// BOS's answer, if BOS refused the credentials of a recharge.
    package var refusal: Answer?
    /// BOS's answer, for the ledger's count of codes. `nil` if there was no answer, or if it is the plain success of a recharge.
    package var sighting: CodeSighting?

    package init(_ event: Event, note: String, sighting: CodeSighting? = nil) {
        self.event = event
        self.note = note
        self.sighting = sighting
    }

    /// Whether BOS answered, and not with an HTTP status of 500 or more.
    var isAnswered: Bool { sighting.map { $0.name.httpStatus < 500 } ?? false }

    /// The same report with another event.
    package func map<Other>(_ transform: (Event) -> Other) -> CallReport<Other> {
        var report = CallReport<Other>(transform(event), note: note, sighting: sighting)
        report.refusal = refusal
        return report
    }
}

/// The result of one enquiry.
package enum Enquiry: Sendable {
    /// BOS answered, also if the finding is "not found".
    case found(RechargeMachine.Finding, Answer, Subject = Subject())
    /// BOS gave no usable answer.
    /// - Parameter retryAfter: the pause that BOS asked for.
    case unanswered(WaitReason, retryAfter: Duration?)
    /// The worker did not send the enquiry: it held it back, or had no credentials.
    case deferred(WaitReason, retryAfter: Duration?)
    /// BOS refuses the credentials of this enquiry and accepts those of others.
    case ownCredentialsRefused
}
