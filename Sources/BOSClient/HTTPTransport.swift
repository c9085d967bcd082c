internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
private import NIOPosix

/// Sends one request once, over HTTP/1.1 connections that are kept open, and says what can be said about a failure.
///
/// It follows no redirect, unpacks nothing and never repeats. One of the process's event loops serves all connections: a call costs
/// it little, and connections that share a loop need no change of thread to be leased.
final class HTTPTransport: Sendable {
    /// What came of one request.
    enum Outcome: Sendable {
        case answer(HTTPAnswer)
        case notSent(NotSentReason, detail: String)
        case unknown(UnknownReason, detail: String)
    }

    private let client: HTTPClient
    /// Runs tasks where the calls are carried.
    let executor: EventLoopExecutor
    private let maximumAnswerBytes: Int

    init(_ configuration: BOSConfiguration) {
        var http = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        http.httpVersion = .http1Only
        http.timeout = HTTPClient.Configuration.Timeout(connect: TimeAmount(configuration.connectTimeout))
        http.connectionPool = HTTPClient.Configuration.ConnectionPool(
            idleTimeout: TimeAmount(configuration.idleTimeout),
            concurrentHTTP1ConnectionsPerHostSoftLimit: configuration.maximumConnections)
        // A refused connection is reported at once: when to try again is the caller's decision, not the pool's.
        http.connectionPool.retryConnectionEstablishment = false
        // The job's own trace goes out as a header; spans of the HTTP client would only cost time.
        http.tracing.tracer = nil
        http.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(FlushOnce(), position: .first) }
        }
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        executor = EventLoopExecutor(eventLoop)
        client = HTTPClient(eventLoopGroupProvider: .shared(eventLoop), configuration: http)
        maximumAnswerBytes = configuration.maximumAnswerBytes
    }

    /// A request without body that can be copied for every call, so that its URL is taken apart only once.
    static func template(url: String) throws(BOSConfigurationError) -> HTTPClient.Request {
        do {
            return try HTTPClient.Request(
                url: url, method: .POST, headers: ["Content-Type": "application/json", "Accept": "application/json"])
        } catch {
            throw .invalidURL(url)
        }
    }

    /// Sends the request and waits for the whole answer, but no longer than to the deadline.
    ///
    /// A cancelled task does not cut the call short: money may already be moving, and the deadline bounds it anyway.
    /// - Parameter isTimely: asked directly before the body leaves; after `false` the call is not sent (``NotSentReason/late``).
    func send(
        _ template: HTTPClient.Request, headers: [(String, String)], body: [UInt8], deadline: NIODeadline,
        isTimely: @escaping @Sendable () -> Bool = { true }
    ) async -> Outcome {
        let exchange = HTTPExchange(maximumAnswerBytes: maximumAnswerBytes, isTimely: isTimely)
        var request = template
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = exchange.body(body)
        do {
            return .answer(try await client.execute(request: request, delegate: exchange, deadline: deadline).futureResult.get())
        } catch {
            if exchange.mayHaveBeenExecuted() { return Self.unknown(error) }
            return exchange.isLate ? .notSent(.late, detail: "it was too late to send when the connection was ready") : Self.notSent(error)
        }
    }

    /// Closes all connections; calls under way fail, later ones are not sent.
    func shutdown() async {
        // It only fails when it is called twice, and then there is nothing left to do.
        try? await client.shutdown()
    }

    private static func notSent(_ error: any Error) -> Outcome {
        switch error as? HTTPClientError {
        case .connectTimeout?, .tlsHandshakeTimeout?:
            .notSent(.connectTimeout, detail: "no connection to BOS within the connect time-out")
        case .getConnectionFromPoolTimeout?:
            .notSent(.poolTimeout, detail: "all connections to BOS were busy; allow more of them or fewer calls at once")
        case .deadlineExceeded?:
            .notSent(.deadline, detail: "the time for the call was over before it could be sent")
        case .alreadyShutdown?, .cancelled?:
            .notSent(.shutDown, detail: "the client was shut down before the call could be sent")
        case let other?:
            .notSent(.connectFailed, detail: "nothing was sent to BOS: \(other.shortDescription)")
        case nil:
            // Errors below HTTP name hosts, ports and system errors, nothing of the request.
            .notSent(.connectFailed, detail: "no connection to BOS: \(reason(error))")
        }
    }

    /// TLS errors name lines of the library's source; what is wrong is one word among them.
    private static func reason(_ error: any Error) -> String {
        let text = String(describing: error)
        guard let word = text.firstMatch(of: /OPENSSL_internal:(\w+)/)?.1 else { return String(text.prefix(300)) }
        return "the TLS handshake failed (\(word)); check BOS's certificate, and this machine's clock and certificate authorities"
    }

    private static func unknown(_ error: any Error) -> Outcome {
        if error is AnswerTooLong { return .unknown(.unreadable, detail: "the answer is longer than allowed") }
        switch error as? HTTPClientError {
        case .deadlineExceeded?, .readTimeout?, .writeTimeout?:
            return .unknown(.timeout, detail: "no whole answer within the time for the call")
        case .remoteConnectionClosed?:
            return .unknown(.connectionLost, detail: "BOS closed the connection before it had answered")
        case let other?:
            return .unknown(.connectionLost, detail: "the call broke off after it may have been sent: \(other.shortDescription)")
        case nil:
            if error is HTTPParserError { return .unknown(.unreadable, detail: "the answer is no proper HTTP: \(error)") }
            return .unknown(.connectionLost, detail: "the connection to BOS was lost: \(reason(error))")
        }
    }
}
