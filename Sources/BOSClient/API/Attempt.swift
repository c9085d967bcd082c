package import JobModel

/// The result of one call. The caller decides about money by this value alone.
package enum Attempt<Answer: Sendable>: Sendable {
    /// No byte that BOS could execute left this machine. To send it again is safe.
    case notSent(NotSentReason, detail: String)
    /// HTTP 429: BOS executed nothing.
    case throttled(BOSFacts)
    /// BOS executed nothing and asks for a later call: HTTP 402, or a code or a message of the configuration.
    case postponed(BOSFacts)
    /// BOS refused the worker's credentials or signature and executed nothing: code 15 or 16, or a 401 without another meaning.
    case credentialsRefused(BOSFacts, CredentialVersion)
    /// BOS may have executed the call. `BOSFacts` is what could be read of the answer, if there was one.
    case unknown(UnknownReason, detail: String, BOSFacts?)
    /// BOS answered, and the answer can be relied on.
    case answered(Answer)
}

/// Why nothing was sent. The set is closed, so that a metric can use it as a label.
package enum NotSentReason: String, Sendable, CaseIterable {
    /// There was no connection: it was refused, there was no route, the name was not found, the TLS handshake failed, or the connection was closed
    /// before the request's body was written.
    case connectFailed = "connect_failed"
    case connectTimeout = "connect_timeout"
    /// All connections were busy until the time was over.
    case poolTimeout = "pool_timeout"
    /// The time for the call ended before it was sent.
    case deadline
    /// The caller's `isTimely` returned `false` directly before the request would have left.
    case late
    case tokenUnavailable = "token_unavailable"
    case shutDown = "shut_down"
}

/// Why it is unknown whether BOS executed a call. The set is closed, so that a metric can use it as a label.
package enum UnknownReason: String, Sendable, CaseIterable {
    /// The time for the call ended after the request may have left.
    case timeout
    /// The connection was closed or reset after the request may have left.
    case connectionLost = "connection_lost"
    /// HTTP 5xx.
    case serverError = "server_error"
    /// An HTTP status that BOS is not known to use: a redirect, the refusal of a proxy, a wrong path.
    case unexpectedStatus = "unexpected_status"
    /// The answer is not a JSON object, is too long, or has a field of a wrong type.
    case unreadable
    /// The answer is readable, but it says neither that BOS executed the call nor that it did not, or it says both.
    case contradictory
}

/// An answer of BOS, with the parts that only the caller needs. It must not be logged, because a message may contain a subscriber number.
@dynamicMemberLookup
package struct BOSFacts: Sendable, Equatable {
    /// The part of the answer that a job keeps, digit by digit.
    package var answer: Answer
    /// `refid` digit by digit: BOS's own name of the recharge, or the worker's reference. `nil` if there is none.
    package var reference: String?
    /// The header `Retry-After`, with any HTTP status: a 503 asks for a pause too, although the result of the call is unknown.
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
    /// Without the message, which may contain a subscriber number.
    package var description: String {
        "HTTP \(answer.httpStatus), response_code \(answer.responseCode.map(String.init) ?? "absent"), "
            + "status \(answer.status.map(String.init) ?? "absent")"
    }
    package var customMirror: Mirror { Mirror(self, children: ["httpStatus": answer.httpStatus]) }
}
