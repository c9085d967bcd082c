internal import AsyncHTTPClient
internal import Events
private import Glibc
internal import Logging
internal import NIOCore
internal import NIOHTTP1
private import NIOPosix

/// Sends each request once, over HTTP/1.1 connections that stay open, and says after a failure whether BOS may have executed it.
///
/// It follows no redirect, decompresses nothing and never repeats a request. One event loop of the process serves all connections: a call costs
/// the loop little, and connections that share a loop need no change of thread.
final class HTTPTransport: Sendable {
    /// The result of one request. The details are sentences without secrets.
    enum Outcome: Sendable {
        case answer(HTTPAnswer)
        case notSent(NotSentReason, detail: String)
        case unknown(UnknownReason, detail: String)
    }

    /// Recharges have connections of their own, so that an answer to a query can never count as the answer to a recharge.
    private let recharges: HTTPClient
    /// For queries and authorise calls. Each call has a connection of its own.
    private let queries: HTTPClient
    /// Runs tasks on the thread of the calls.
    let executor: EventLoopExecutor
    private let maximumAnswerBytes: Int
    private let trust: ConnectionTrust

    private let eventLoop: any EventLoop

    init(_ configuration: BOSConfiguration, logger: Logger) {
        trust = ConnectionTrust {
            logger.log(.answerUnasked)
        }
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        self.eventLoop = eventLoop
        executor = EventLoopExecutor(eventLoop)
        let trust = trust
        func client(isForRecharges: Bool) -> HTTPClient {
            HTTPClient(
                eventLoopGroupProvider: .shared(eventLoop),
                configuration: Self.configuration(configuration, trust: trust, isForRecharges: isForRecharges))
        }
        recharges = client(isForRecharges: true)
        queries = client(isForRecharges: false)
        maximumAnswerBytes = configuration.maximumAnswerBytes
    }

    private static func configuration(
        _ configuration: BOSConfiguration, trust: ConnectionTrust, isForRecharges: Bool
    ) -> HTTPClient.Configuration {
        var http = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        http.httpVersion = .http1Only
        http.timeout = HTTPClient.Configuration.Timeout(connect: TimeAmount(configuration.connectTimeout))
        http.connectionPool = HTTPClient.Configuration.ConnectionPool(
            idleTimeout: TimeAmount(configuration.idleTimeout),
            // Connections that are only listened to carry no calls, so they are added to the limit.
            concurrentHTTP1ConnectionsPerHostSoftLimit: configuration.maximumConnections
                + (isForRecharges && configuration.maximumConnections > 1 ? ConnectionTrust.silencesNeeded : 0))
        // A refused connection is reported at once. The caller decides when to try again, not the pool.
        http.connectionPool.retryConnectionEstablishment = false
        // The job's own trace is sent as a header. Spans of the HTTP client would only cost time.
        http.tracing.tracer = nil
        let patience = configuration.requestTimeout / .milliseconds(1)
        let idleTimeout = configuration.idleTimeout
        http.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                let socket = FlushOnce()
                try pipeline.addHandler(socket, position: .first)
                let codec = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
                let watch = ConnectionWatch(trust, isForRecharges: isForRecharges, idleTimeout: idleTimeout, socket: socket)
                try pipeline.addHandler(watch, position: .after(codec))
                // If this process dies, the kernel stops sending no later than the call would have ended.
                try channel.syncOptions?.setOption(
                    .tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: .init(min(max(patience, 1), 600_000)))
            }
        }
        return http
    }

    var keepsConnections: Bool { trust.isEarned }

    /// A request without a body. It is copied for every call, so that its URL is parsed only once.
    /// - Parameter userAgent: common rules of firewalls refuse requests without one.
    /// - Throws: `invalidURL`.
    static func template(url: String, userAgent: String) throws(BOSConfigurationError) -> HTTPClient.Request {
        do {
            return try HTTPClient.Request(
                url: url, method: .POST,
                headers: [
                    "Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity",
                    "User-Agent": userAgent,
                ])
        } catch {
            throw .invalidURL(url)
        }
    }

    /// What a recharge needs beyond other calls.
    struct RechargeTerms: Sendable {
        /// How long BOS has for its answer, counted from the moment at which the body leaves.
        var answerTime: TimeAmount
        /// Called directly before the body leaves. After `false` the call is not sent (``NotSentReason/late``).
        var isTimely: @Sendable () -> Bool
    }

    /// Ends a call whose time is over. If its body has left and BOS still has time for its answer, it sets a timer for that time instead.
    private func expire(_ task: HTTPClient.Task<HTTPAnswer>, of exchange: HTTPExchange, answerTime: TimeAmount?) {
        if let answerTime, let sentAt = exchange.sentAt, sentAt + answerTime > .now() {
            let timer = eventLoop.scheduleTask(deadline: sentAt + answerTime) { task.fail(reason: HTTPClientError.deadlineExceeded) }
            task.futureResult.whenComplete { _ in timer.cancel() }
        } else {
            task.fail(reason: HTTPClientError.deadlineExceeded)
        }
    }

    /// Sends the request and waits for the whole answer, but no longer than the deadline allows. After that it resets the connection.
    ///
    /// The cancellation of the task does not end the call, because money may be moving already. The deadline ends it.
    /// - Parameters:
    ///   - deadline: when the call has to be over. For a recharge: when its body has to have left.
    ///   - recharge: set for a recharge.
    func send(
        _ template: HTTPClient.Request, headers: [(String, String)], body: [UInt8], deadline: NIODeadline, recharge: RechargeTerms? = nil
    ) async -> Outcome {
        let exchange = HTTPExchange(maximumAnswerBytes: maximumAnswerBytes, isTimely: recharge?.isTimely)
        var request = template
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = exchange.body(body)
        do {
            guard deadline > .now() else { throw HTTPClientError.deadlineExceeded }
            let client = recharge == nil ? queries : recharges
            let task = client.execute(request: request, delegate: exchange)
            let timer = eventLoop.scheduleTask(deadline: deadline) { self.expire(task, of: exchange, answerTime: recharge?.answerTime) }
            defer { timer.cancel() }
            return .answer(try await task.futureResult.get())
        } catch {
            if exchange.mayHaveBeenExecuted() { return Self.unknown(error) }
            return exchange.isLate ? .notSent(.late, detail: "it was too late to send when the connection was ready") : Self.notSent(error)
        }
    }

    /// Closes all connections. Calls that are under way fail, and later calls are not sent.
    func shutdown() async {
        // It fails only if it is called twice. Then all connections are closed already.
        try? await recharges.shutdown()
        try? await queries.shutdown()
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
            // Errors below HTTP name hosts, ports and system errors. They contain no part of the request.
            .notSent(.connectFailed, detail: "no connection to BOS: \(reason(error))")
        }
    }

    /// The text of an error. Of a TLS error it keeps the one word that says what is wrong, because the rest names lines of the library's source.
    private static func reason(_ error: any Error) -> String {
        let text = String(describing: error)
        guard let word = text.firstMatch(of: /OPENSSL_internal:(\w+)/)?.1 else { return String(text.prefix(300)) }
        return "the TLS handshake failed (\(word)); check BOS's certificate, and this machine's clock and certificate authorities"
    }

    private static func unknown(_ error: any Error) -> Outcome {
        if error is UnaskedAnswer {
            return .unknown(.contradictory, detail: "the answer repeats the one before it on the same connection, so it is another call's")
        }
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
