package import JobModel

/// What became of one call. The caller decides about money by this value alone.
package enum Attempt<Answer: Sendable>: Sendable {
    /// Nothing that BOS could execute left this machine; sending it again is safe.
    case notSent(NotSentReason, detail: String)
    /// HTTP 429: BOS did not take the call.
    case throttled(BOSFacts)
    /// BOS did not take the call and asks to come later: HTTP 402, a code or a message that the configuration names. Nothing was executed.
    case postponed(BOSFacts)
    /// BOS refused our credentials or our signature and executed nothing: code 15 or 16, or a 401 that says nothing else.
    case credentialsRefused(BOSFacts, CredentialVersion)
    /// The call may have been executed. `BOSFacts` are what could be read of an answer, if there was one.
    case unknown(UnknownReason, detail: String, BOSFacts?)
    /// BOS gave an answer that can be relied on.
    case answered(Answer)
}

/// Why nothing was sent. A closed set, so that it can be a metric's label.
package enum NotSentReason: String, Sendable, CaseIterable {
    /// No connection: refused, no route, name not found, TLS handshake failed, or closed before the request's body was written.
    case connectFailed = "connect_failed"
    case connectTimeout = "connect_timeout"
    /// No connection of the pool became free in time.
    case poolTimeout = "pool_timeout"
    /// The call's own time was over before it was sent.
    case deadline
    /// The caller's `isTimely` said no when the request was about to leave.
    case late
    case tokenUnavailable = "token_unavailable"
    case shutDown = "shut_down"
}

/// Why it is not known whether a call was executed. A closed set, so that it can be a metric's label.
package enum UnknownReason: String, Sendable, CaseIterable {
    /// The time was over after the request may have left.
    case timeout
    /// The connection was closed or reset after the request may have left.
    case connectionLost = "connection_lost"
    /// HTTP 5xx.
    case serverError = "server_error"
    /// An HTTP status that BOS is not known to use: a redirect, a proxy's refusal, a wrong path.
    case unexpectedStatus = "unexpected_status"
    /// No JSON object, too long, or a field that is not what it should be.
    case unreadable
    /// Readable, but it says neither yes nor no, or both.
    case contradictory
}

/// An answer of BOS with what only the call's caller needs of it. Never for a log, since a message can hold a subscriber number.
@dynamicMemberLookup
package struct BOSFacts: Sendable, Equatable {
    /// What jobs keep of the answer, digit for digit.
    package var answer: Answer
    /// `refid` digit for digit: BOS's own name of the recharge, or ours; `nil` if there is none.
    package var reference: String?
    /// `Retry-After` in seconds, whatever the status: a 503 asks for a pause as well, though it leaves the call unknown.
    package var retryAfter: Duration?

    package init(_ answer: Answer, reference: String? = nil, retryAfter: Duration? = nil) {
        self.answer = answer
        self.reference = reference
        self.retryAfter = retryAfter
    }

    package subscript<Value>(dynamicMember member: WritableKeyPath<Answer, Value>) -> Value {
        get { answer[keyPath: member] }
        set { answer[keyPath: member] = newValue }
    }
}

extension BOSFacts: CustomStringConvertible, CustomReflectable {
    /// Without the message, which may hold a subscriber number.
    package var description: String {
        "HTTP \(answer.httpStatus), response_code \(answer.responseCode.map(String.init) ?? "absent"), "
            + "status \(answer.status.map(String.init) ?? "absent")"
    }
    package var customMirror: Mirror { Mirror(self, children: ["httpStatus": answer.httpStatus]) }
}
