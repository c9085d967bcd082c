internal import AsyncHTTPClient
package import Logging
internal import NIOCore
import Secrets

/// The BOS HTTP API: each function makes one attempt with a deadline and says what came of it.
///
/// It never repeats a call by itself. Whether and when to do so depends on money, and belongs to whoever keeps the ledger.
package final class BOSClient: Sendable {
    private let configuration: BOSConfiguration
    private let classifier: AnswerClassifier
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
        recharges = try HTTPTransport.template(url: configuration.rechargeURL)
        enquiries = try HTTPTransport.template(url: configuration.url(configuration.endpoints.enquiry))
        panStatuses = try HTTPTransport.template(url: configuration.url(configuration.endpoints.panStatus))
        // What can fail comes first: the transport has to be shut down once it exists.
        switch configuration.credentials {
        case .none:
            transport = HTTPTransport(configuration)
            tokens = NoTokenSource()
        case .file(let path):
            transport = HTTPTransport(configuration)
            tokens = FileTokenSource(path: path, clock: clock)
        case .authorise(let authorise):
            let request = try AuthoriseRequest(authorise, clock: clock)
            transport = HTTPTransport(configuration)
            tokens = AuthoriseTokenSource(request: request, transport: transport, clock: clock, logger: logger)
        }
    }

    /// Keeps the token fresh until the task is cancelled; with a token source that needs no care it returns at once.
    package func run() async { await tokens.run() }

    /// `DoRecharge`: moves money.
    /// - Parameters:
    ///   - traceparent: passed on as the header of that name (W3C Trace Context).
    ///   - timeout: for the whole call, the wait for a token and a connection included; at most the configured one.
    ///   - isTimely: asked directly before the request's body leaves, on the thread of the calls, so it must not block. After `false`
    ///     nothing leaves and the attempt is `notSent(.late)`.
    package func recharge(
        _ request: RechargeRequest, traceparent: String? = nil, timeout: Duration? = nil,
        isTimely: @escaping @Sendable () -> Bool = { true }
    ) async -> Attempt<RechargeAnswer> {
        guard let body = request.body else {
            return .notSent(.invalidRequest, detail: "operator or amount is not a JSON number; check the job before it is sent")
        }
        return await call(
            recharges, body: body, traceparent: traceparent, timeout: timeout, isTimely: isTimely, classifier.recharge)
    }

    /// `RechargesStatus`: asks what became of a recharge. Moves no money; parameters as for `recharge`.
    package func enquire(
        reference: String, registerID: String, traceparent: String? = nil, timeout: Duration? = nil
    ) async -> Attempt<EnquiryAnswer> {
        let body = configuration.enquiry.body(reference: reference, registerID: registerID)
        return await call(enquiries, body: body, traceparent: traceparent, timeout: timeout, classifier.enquiry)
    }

    /// `Status`: asks how far a PAN application is. Moves no money; parameters as for `recharge`.
    package func panStatus(
        _ request: PANStatusRequest, traceparent: String? = nil, timeout: Duration? = nil
    ) async -> Attempt<PANAnswer> {
        await call(panStatuses, body: request.body(configuration.pan), traceparent: traceparent, timeout: timeout, classifier.panStatus)
    }

    /// Gets a newer token after BOS refused this one; everybody who was refused with the same version shares one renewal.
    /// - Returns: whether there is a newer token now. If not, repeating the call is pointless.
    package func renewCredentials(refused: CredentialVersion) async -> Bool { await tokens.renew(refused: refused) }

    /// Whether calls can be authenticated now, for readiness and `bos_token_expires_seconds`.
    package var credentialState: CredentialState { tokens.state }

    /// Runs tasks on the thread that carries the calls; the cheapest place for work that mostly consists of calls. It must not block.
    package var executor: any TaskExecutor { transport.executor }

    /// Closes the connections. Calls under way fail as unknown, so let them end first.
    package func shutdown() async { await transport.shutdown() }

    private func call<Answer>(
        _ template: HTTPClient.Request, body: [UInt8], traceparent: String?, timeout: Duration?,
        isTimely: @escaping @Sendable () -> Bool = { true }, _ classify: (ReadAnswer, CredentialVersion) -> Attempt<Answer>
    ) async -> Attempt<Answer> {
        let deadline = NIODeadline.now() + TimeAmount(min(timeout ?? configuration.requestTimeout, configuration.requestTimeout))
        var headers: [(String, String)] = []
        var version = CredentialVersion(0)
        switch await tokens.token() {
        case .anonymous: break
        case .token(let token, let tokenVersion):
            headers.append(("Authorization", "Bearer \(token.revealed)"))
            version = tokenVersion
        case .unavailable(let problem): return .notSent(.tokenUnavailable, detail: problem)
        }
        if let traceparent { headers.append(("traceparent", traceparent)) }
        switch await transport.send(template, headers: headers, body: body, deadline: deadline, isTimely: isTimely) {
        case .notSent(let reason, let detail): return .notSent(reason, detail: detail)
        case .unknown(let reason, let detail): return .unknown(reason, detail: detail, nil)
        case .answer(let answer):
            return classify(ReadAnswer(httpStatus: answer.status, retryAfter: answer.retryAfter, body: answer.body), version)
        }
    }
}
