internal import AsyncHTTPClient
package import JobModel
package import Logging
internal import NIOCore
import Secrets
private import Synchronization

/// The BOS HTTP API. Each function makes one attempt with a deadline and returns its result.
///
/// The client never repeats a call. Whether a repetition is safe is a decision about money, which the engine makes with the ledger.
package final class BOSClient: Sendable {
    private let configuration: BOSConfiguration
    private let classifier: AnswerClassifier
    private let mask: SecretMask
    private let transport: HTTPTransport
    private let tokens: any TokenSource
    private let recharges: HTTPClient.Request
    private let enquiries: HTTPClient.Request
    private let panStatuses: HTTPClient.Request
    private let clock: BOSClock
    private let lastAuthorization = Mutex<Authorization?>(nil)
    /// When BOS last refused the credentials of a call, in Unix seconds.
    private let lastRefusal = Mutex<Double?>(nil)

    /// A client for one API host. `init` sends nothing. The owner must call `shutdown()` at the end.
    /// - Parameters:
    ///   - clock: time and random numbers for the life of the token.
    ///   - logger: for renewals of the token, and for an answer that no call waits for. Calls are not logged here.
    /// - Throws: if a URL is invalid or the public key cannot be used.
    package init(configuration: BOSConfiguration, clock: BOSClock = .system, logger: Logger) throws(BOSConfigurationError) {
        self.configuration = configuration
        self.clock = clock
        classifier = AnswerClassifier(configuration: configuration)
        mask = configuration.mask
        recharges = try HTTPTransport.template(url: configuration.rechargeURL, userAgent: configuration.userAgent)
        enquiries = try HTTPTransport.template(
            url: configuration.url(configuration.endpoints.enquiry), userAgent: configuration.userAgent)
        panStatuses = try HTTPTransport.template(
            url: configuration.url(configuration.endpoints.panStatus), userAgent: configuration.userAgent)
        // Whatever can fail comes before the transport, because a transport must be shut down.
        switch configuration.credentials {
        case .none:
            transport = HTTPTransport(configuration, logger: logger)
            tokens = NoTokenSource()
        case .file(let path):
            transport = HTTPTransport(configuration, logger: logger)
            tokens = FileTokenSource(path: path, clock: clock)
        case .authorise(let authorise):
            let request = try AuthoriseRequest(authorise, userAgent: configuration.userAgent, clock: clock)
            transport = HTTPTransport(configuration, logger: logger)
            tokens = AuthoriseTokenSource(request: request, transport: transport, clock: clock, logger: logger)
        }
    }

    /// Keeps the token fresh until the task is cancelled. It returns at once if tokens come from a file or none is used.
    package func run() async { await tokens.run() }

    /// `DoRecharge`: moves money.
    /// - Parameters:
    ///   - traceparent: sent as the header of that name (W3C Trace Context).
    ///   - timeout: how long BOS has for its answer, counted from the moment at which the request's body leaves. At most the configured time, which
    ///     `nil` stands for. Before that moment the call waits for a token, and then for a connection, for at most the timeout. So the call can
    ///     last more than twice the timeout, and BOS always has the whole timeout.
    ///   - isTimely: called directly before the request's body leaves. It runs on the thread of the calls, so it must not block. After `false`
    ///     nothing leaves and the result is `notSent(.late)`.
    package func recharge(
        _ recharge: Recharge, traceparent: String? = nil, timeout: Duration? = nil,
        isTimely: @escaping @Sendable () -> Bool = { true }
    ) async -> Attempt<RechargeAnswer> {
        let call = Call(template: recharges, body: recharge.body, traceparent: traceparent, timeout: timeout, isTimely: isTimely)
        return await send(call) { classifier.recharge($0, to: recharge, version: $1) }
    }

    /// `RechargesStatus`: enquires about a recharge. Moves no money.
    /// - Parameters:
    ///   - registerID: the merchant of the recharge.
    ///   - timeout: for the whole call, including the wait for a token and a connection. At most the configured time.
    package func enquire(
        reference: String, registerID: String, traceparent: String? = nil, timeout: Duration? = nil
    ) async -> Attempt<EnquiryAnswer> {
        let body = configuration.enquiry.body(reference: reference, registerID: registerID)
        let call = Call(template: enquiries, body: body, traceparent: traceparent, timeout: timeout)
        return await send(call) { classifier.enquiry($0, version: $1) }
    }

    /// `Status`: queries the state of a PAN application. Moves no money. The parameters are those of
    /// ``enquire(reference:registerID:traceparent:timeout:)``.
    package func panStatus(
        _ query: PANStatusQuery, traceparent: String? = nil, timeout: Duration? = nil
    ) async -> Attempt<PANAnswer> {
        let body = query.body(configuration.pan)
        let call = Call(template: panStatuses, body: body, secret: query.nepKey, traceparent: traceparent, timeout: timeout)
        return await send(call) { classifier.panStatus($0, version: $1) }
    }

    /// Gets a newer token after BOS refused this one. All calls that were refused with the same version share one renewal.
    /// - Returns: whether there is a newer token now. If not, a repeated call would be refused too.
    package func renewCredentials(refused: CredentialVersion) async -> Bool { await tokens.renew(refused: refused) }

    /// Whether calls can be authenticated now. Readiness and the metric `bos_token_expires_seconds` show it.
    package var credentialState: CredentialState {
        var state = tokens.state
        state.refusedAt = lastRefusal.withLock { $0 }
        return state
    }

    /// Whether a connection may carry several recharges, one after the other. See ``ConnectionTrust``.
    var keepsConnections: Bool { transport.keepsConnections }

    /// Runs tasks on the thread of the calls. That is the cheapest place for work that consists mostly of calls. The tasks must not block.
    package var executor: any TaskExecutor { transport.executor }

    /// Closes the connections. Calls that are under way end as unknown, so the owner should wait for their end first.
    package func shutdown() async { await transport.shutdown() }

    /// One call that is ready to be sent, but for its token.
    private struct Call {
        /// Method, URL and headers that do not change from call to call.
        var template: HTTPClient.Request
        var body: [UInt8]
        /// A secret that this call alone sends.
        var secret: String?
        var traceparent: String?
        /// `nil`: the configured time.
        var timeout: Duration?
        /// Set for a recharge. See ``HTTPTransport/RechargeTerms``.
        var isTimely: (@Sendable () -> Bool)?
    }

    private func send<Answer>(_ call: Call, classify: (ReadAnswer, CredentialVersion) -> Attempt<Answer>) async -> Attempt<Answer> {
        let time = TimeAmount(min(call.timeout ?? configuration.requestTimeout, configuration.requestTimeout))
        var deadline = NIODeadline.now() + time
        var headers: [(String, String)] = []
        var version = CredentialVersion(0)
        var mask = mask
        switch await tokens.token() {
        case .anonymous: break
        case .token(let token, let tokenVersion):
            let authorization = authorization(with: token, version: tokenVersion)
            headers.append(("Authorization", authorization.header.revealed))
            version = tokenVersion
            mask = authorization.mask
        case .unavailable(let problem): return .notSent(.tokenUnavailable, detail: problem)
        }
        if let secret = call.secret { mask = mask.adding(secret) }
        if let traceparent = call.traceparent { headers.append(("traceparent", traceparent)) }
        let terms = call.isTimely.map { HTTPTransport.RechargeTerms(answerTime: time, isTimely: $0) }
        if terms != nil { deadline = .now() + time }
        switch await transport.send(call.template, headers: headers, body: call.body, deadline: deadline, recharge: terms) {
        case .notSent(let reason, let detail): return .notSent(reason, detail: detail)
        case .unknown(let reason, let detail): return .unknown(reason, detail: detail, nil)
        case .answer(let answer):
            let attempt = classify(
                ReadAnswer(
                    httpStatus: answer.status, retryAfter: answer.retryAfter, refusesToken: answer.refusesToken, encoding: answer.encoding,
                    body: answer.body, mask: mask), version)
            if case .credentialsRefused = attempt { lastRefusal.withLock { $0 = clock.now() } }
            return attempt
        }
    }

    /// What one token adds to every call. It is made once per token, not once per call.
    private struct Authorization {
        let version: CredentialVersion
        /// The value of the header `Authorization`.
        let header: Secret
        /// Masks the token besides the configured secrets.
        let mask: SecretMask
    }

    private func authorization(with token: Secret, version: CredentialVersion) -> Authorization {
        lastAuthorization.withLock { last in
            if let last, last.version == version { return last }
            let new = Authorization(version: version, header: Secret("Bearer \(token.revealed)"), mask: mask.adding(token.revealed))
            last = new
            return new
        }
    }
}
