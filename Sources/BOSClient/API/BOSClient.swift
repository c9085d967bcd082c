internal import AsyncHTTPClient
package import JobModel
package import Logging
internal import NIOCore
import Secrets

/// The BOS HTTP API: each function makes one attempt with a deadline and says what came of it.
///
/// It never repeats a call by itself. Whether and when to do so depends on money, and belongs to whoever keeps the ledger.
package final class BOSClient: Sendable {
    private let configuration: BOSConfiguration
    private let classifier: AnswerClassifier
    private let mask: SecretMask
    private let transport: HTTPTransport
    private let tokens: any TokenSource
    private let recharges: HTTPClient.Request
    private let enquiries: HTTPClient.Request
    private let panStatuses: HTTPClient.Request

    /// A client for one API host. Nothing is sent yet; `shutdown()` must be called in the end.
    /// - Parameters:
    ///   - clock: time and randomness for the token's life.
    ///   - logger: for renewals of the token; calls are not logged here.
    package init(configuration: BOSConfiguration, clock: BOSClock = .system, logger: Logger) throws(BOSConfigurationError) {
        self.configuration = configuration
        classifier = AnswerClassifier(configuration: configuration)
        mask = configuration.mask
        recharges = try HTTPTransport.template(url: configuration.rechargeURL, userAgent: configuration.userAgent)
        enquiries = try HTTPTransport.template(
            url: configuration.url(configuration.endpoints.enquiry), userAgent: configuration.userAgent)
        panStatuses = try HTTPTransport.template(
            url: configuration.url(configuration.endpoints.panStatus), userAgent: configuration.userAgent)
        // What can fail comes first: the transport has to be shut down once it exists.
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

    /// Keeps the token fresh until the task is cancelled; with a token source that needs no care it returns at once.
    package func run() async { await tokens.run() }

    /// `DoRecharge`: moves money.
    /// - Parameters:
    ///   - traceparent: passed on as the header of that name (W3C Trace Context).
    ///   - timeout: how long BOS has for its answer, from the moment at which the request's body leaves; at most the configured time.
    ///     Before that the call waits for a connection, for no longer than the timeout either, and for a token. So the call can last more
    ///     than twice the timeout, and BOS is never given less than all of it.
    ///   - isTimely: asked directly before the request's body leaves, on the thread of the calls, so it must not block. After `false`
    ///     nothing leaves and the attempt is `notSent(.late)`.
    package func recharge(
        _ recharge: Recharge, traceparent: String? = nil, timeout: Duration? = nil,
        isTimely: @escaping @Sendable () -> Bool = { true }
    ) async -> Attempt<RechargeAnswer> {
        return await call(
            recharges, body: recharge.body, traceparent: traceparent, timeout: timeout, isTimely: isTimely
        ) { classifier.recharge($0, to: recharge, version: $1) }
    }

    /// `RechargesStatus`: asks what became of a recharge. Moves no money.
    /// - Parameter timeout: for the whole call, the wait for a token and a connection included; at most the configured time.
    package func enquire(
        reference: String, registerID: String, traceparent: String? = nil, timeout: Duration? = nil
    ) async -> Attempt<EnquiryAnswer> {
        let body = configuration.enquiry.body(reference: reference, registerID: registerID)
        return await call(enquiries, body: body, traceparent: traceparent, timeout: timeout, classifier.enquiry(_:version:))
    }

    /// `Status`: asks how far a PAN application is. Moves no money; parameters as for ``enquire(reference:registerID:traceparent:timeout:)``.
    package func panStatus(
        _ query: PANStatusQuery, traceparent: String? = nil, timeout: Duration? = nil
    ) async -> Attempt<PANAnswer> {
        await call(
            panStatuses, body: query.body(configuration.pan), secret: query.nepKey, traceparent: traceparent, timeout: timeout,
            classifier.panStatus(_:version:))
    }

    /// Gets a newer token after BOS refused this one; everybody who was refused with the same version shares one renewal.
    /// - Returns: whether there is a newer token now. If not, repeating the call is pointless.
    package func renewCredentials(refused: CredentialVersion) async -> Bool { await tokens.renew(refused: refused) }

    /// Whether calls can be authenticated now, for readiness and `bos_token_expires_seconds`.
    package var credentialState: CredentialState { tokens.state }

    /// Whether a connection carries one recharge after the other. See ``ConnectionTrust``.
    var keepsConnections: Bool { transport.keepsConnections }

    /// Runs tasks on the thread that carries the calls; the cheapest place for work that mostly consists of calls. It must not block.
    package var executor: any TaskExecutor { transport.executor }

    /// Closes the connections. Calls under way fail as unknown, so let them end first.
    package func shutdown() async { await transport.shutdown() }

    /// - Parameter secret: one that this call alone sends.
    private func call<Answer>(
        _ template: HTTPClient.Request, body: [UInt8], secret: String? = nil, traceparent: String?, timeout: Duration?,
        isTimely: (@Sendable () -> Bool)? = nil, _ classify: (ReadAnswer, CredentialVersion) -> Attempt<Answer>
    ) async -> Attempt<Answer> {
        let time = TimeAmount(min(timeout ?? configuration.requestTimeout, configuration.requestTimeout))
        var deadline = NIODeadline.now() + time
        var headers: [(String, String)] = []
        var version = CredentialVersion(0)
        var mask = mask.adding(secret)
        switch await tokens.token() {
        case .anonymous: break
        case .token(let token, let tokenVersion):
            headers.append(("Authorization", "Bearer \(token.revealed)"))
            version = tokenVersion
            mask = mask.adding(token.revealed)
        case .unavailable(let problem): return .notSent(.tokenUnavailable, detail: problem)
        }
        if let traceparent { headers.append(("traceparent", traceparent)) }
        let terms = isTimely.map { HTTPTransport.RechargeTerms(answerTime: time, isTimely: $0) }
        if terms != nil { deadline = .now() + time }
        switch await transport.send(template, headers: headers, body: body, deadline: deadline, recharge: terms) {
        case .notSent(let reason, let detail): return .notSent(reason, detail: detail)
        case .unknown(let reason, let detail): return .unknown(reason, detail: detail, nil)
        case .answer(let answer):
            return classify(
                ReadAnswer(
                    httpStatus: answer.status, retryAfter: answer.retryAfter, refusesToken: answer.refusesToken, encoding: answer.encoding,
                    body: answer.body, mask: mask), version)
        }
    }
}
