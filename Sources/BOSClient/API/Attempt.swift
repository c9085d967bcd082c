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
    /// A number of the request is not spelled as one: a fault of the caller that repeating does not cure.
    case invalidRequest = "invalid_request"
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

/// What BOS's answer said, digit for digit. For the reply and the ledger; never for a log, since a message can hold a subscriber number.
package struct BOSFacts: Sendable, Equatable {
    package var httpStatus: Int
    /// `response_code`, also spelled `responsecode`.
    package var responseCode: Int?
    package var status: Bool?
    /// As BOS sent it, cut after 1000 characters; empty if there was none.
    package var message: String
    /// `operatorid` digit for digit.
    package var operatorID: String?
    /// `ackno` digit for digit.
    package var acknowledgement: String?
    /// `refid` digit for digit: BOS's own name of the recharge, or ours; `nil` if there is none.
    package var reference: String?
    /// `Retry-After` in seconds, whatever the status: a 503 asks for a pause as well, though it leaves the call unknown.
    package var retryAfter: Duration?
    /// The answer's body as text, cut after 4096 bytes.
    package var rawBody: String

    package init(
        httpStatus: Int, responseCode: Int? = nil, status: Bool? = nil, message: String = "", operatorID: String? = nil,
        acknowledgement: String? = nil, reference: String? = nil, retryAfter: Duration? = nil, rawBody: String = ""
    ) {
        self.httpStatus = httpStatus
        self.responseCode = responseCode
        self.status = status
        self.message = message
        self.operatorID = operatorID
        self.acknowledgement = acknowledgement
        self.reference = reference
        self.retryAfter = retryAfter
        self.rawBody = rawBody
    }
}

extension BOSFacts: CustomStringConvertible, CustomReflectable {
    /// Without message and body, which may hold a subscriber number.
    package var description: String {
        "HTTP \(httpStatus), response_code \(responseCode.map(String.init) ?? "absent"), status \(status.map(String.init) ?? "absent")"
    }
    package var customMirror: Mirror { Mirror(self, children: ["httpStatus": httpStatus]) }
}
