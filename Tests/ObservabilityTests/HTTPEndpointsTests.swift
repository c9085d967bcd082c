import AsyncHTTPClient
import Logging
import Metrics
import NIOCore
import NIOHTTP1
import NIOPosix
import Observability
import ServiceLifecycle
import Testing

@Suite("HTTP endpoints", .timeLimit(.minutes(1)))
struct HTTPEndpointsTests {
    private let registry = PrometheusRegistry()
    private let health = FixedHealth()

    @Test("livez answers 200 while the process makes progress, and otherwise 503 with the reason")
    func liveness() async throws {
        try await serving { base in
            let live = try await answer(to: base + "/livez")
            #expect(live == Answer(200, type: "application/json", body: #"{"live":true}"#))
            health.setLiveness([HealthProblem(check: "ledger", detail: "no commit for 60 seconds")])
            let stuck = try await answer(to: base + "/livez")
            #expect(
                stuck
                    == Answer(
                        503, type: "application/json",
                        body: #"{"live":false,"reasons":[{"check":"ledger","detail":"no commit for 60 seconds"}]}"#))
        }
    }

    @Test("readyz answers 200 while nothing is wrong, and otherwise 503 with every reason")
    func readiness() async throws {
        try await serving { base in
            let ready = try await answer(to: base + "/readyz")
            #expect(ready == Answer(200, type: "application/json", body: #"{"ready":true}"#))
            health.setReadiness([HealthProblem(check: "broker", detail: "say \"hi\""), HealthProblem(check: "token", detail: "expired")])
            let expected = #"{"ready":false,"reasons":[{"check":"broker","detail":"say \"hi\""},{"check":"token","detail":"expired"}]}"#
            let notReady = try await answer(to: base + "/readyz")
            #expect(notReady == Answer(503, type: "application/json", body: expected))
        }
    }

    @Test("metrics and status are served")
    func pages() async throws {
        Counter(label: "bos_replies_unrouted_total", factory: registry).increment()
        try await serving { base in
            let metrics = try await answer(to: base + "/metrics")
            #expect(metrics.status == 200)
            #expect(metrics.type == "text/plain; version=0.0.4; charset=utf-8")
            #expect(metrics.body.hasSuffix("bos_replies_unrouted_total 1\n"))
            let status = try await answer(to: base + "/api/status")
            #expect(status == Answer(200, type: "application/json", body: #"{"version":"1"}"#))
            let unknown = try await answer(to: base + "/nothing").status
            #expect(unknown == 404)
        }
    }

    @Test("the page for people may load nothing, run nothing and be framed by no other, and is kept by no cache")
    func pageHeaders() async throws {
        try await serving { base in
            for path in ["/", "/still", "/runbook/known"] {
                let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: base + path), timeout: .seconds(20))
                #expect(response.status == .ok)
                #expect(response.headers["content-type"] == ["text/html; charset=utf-8"])
                #expect(
                    response.headers["content-security-policy"] == [
                        "default-src 'none'; style-src 'sha256-x'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
                    ])
                #expect(response.headers["x-content-type-options"] == ["nosniff"])
                #expect(response.headers["referrer-policy"] == ["no-referrer"])
                #expect(response.headers["cache-control"] == ["no-store"])
                #expect(response.headers["refresh"] == (path == "/" ? ["10"] : []))
            }
        }
    }

    @Test("a section that the runbook does not have is not found, whatever its name is")
    func unknownSections() async throws {
        try await serving { base in
            for name in ["unknown", "..", "%2e%2e%2fetc%2fpasswd", "%3Cscript%3E", "known/more"] {
                let answer = try await answer(to: "\(base)/runbook/\(name)")
                #expect(answer.status == 404)
                #expect(!answer.body.contains("<"))
            }
        }
    }

    @Test("a page for people answers to GET and HEAD only")
    func readOnly() async throws {
        try await serving { base in
            for method in ["POST", "PUT", "DELETE"] {
                let answer = try await exchange("\(method) / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: base)
                #expect(answer.hasPrefix("HTTP/1.1 404 ") || answer.hasPrefix("HTTP/1.1 405 "), "\(answer.prefix(40))")
            }
        }
    }

    @Test("a request with a body of any length gets 413, and its connection is closed")
    func bodiesAreRefused() async throws {
        try await serving { base in
            for header in ["Content-Length: 5", "Transfer-Encoding: chunked", "Content-Length: 99999999999"] {
                let answer = try await exchange("GET /livez HTTP/1.1\r\nHost: x\r\n\(header)\r\n\r\nhello", with: base)
                #expect(answer.hasPrefix("HTTP/1.1 413 "))
            }
            let after = try await answer(to: base + "/livez").status
            #expect(after == 200)
        }
    }

    @Test("bytes that are no HTTP and endless headers are refused, and the connection is closed")
    func invalidRequests() async throws {
        try await serving { base in
            for bytes in [
                "\u{1}\u{2}\u{3}\r\n\r\n", "GET /livez HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 100_000))",
            ] {
                let answer = try await exchange(bytes, with: base)
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"))
            }
            let after = try await answer(to: base + "/livez").status
            #expect(after == 200)
        }
    }

    @Test("a client that is silent or sends half a request is cut off", arguments: ["", "GET /livez HT"])
    func slowClients(bytes: String) async throws {
        try await serving(patience: .milliseconds(200)) { base in
            let answer = try await exchange(bytes, with: base)
            #expect(answer.isEmpty)
        }
    }

    @Test("a client that keeps an answered connection is cut off")
    func lingeringClient() async throws {
        // Long enough for the answer, even on a machine that is busy with other tests.
        try await serving(patience: .seconds(5)) { base in
            let answer = try await exchange("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", with: base)
            #expect(answer.contains("200 OK"))
        }
    }

    @Test("a client that sends its request byte by byte is cut off, however often it sends one")
    func drippingClient() async throws {
        try await serving(patience: .milliseconds(200)) { base in
            try await connected(to: base) { inbound, outbound in
                try await withThrowingTaskGroup(of: Bool.self) { tasks in
                    tasks.addTask {
                        do { for try await _ in inbound {} } catch {}
                        return true
                    }
                    tasks.addTask {
                        try? await outbound.write(ByteBuffer(string: "GET /livez HTTP/1.1\r\nX: "))
                        // 400 bytes stay well below the longest header. Sent one in 20 ms, they take many times the patience. The server
                        // must end the exchange before the last one.
                        for _ in 0..<400 {
                            try await Task.sleep(for: .milliseconds(20))
                            try? await outbound.write(ByteBuffer(string: "x"))
                        }
                        return false
                    }
                    let isCutOff = try await tasks.next()
                    #expect(isCutOff == true)
                    tasks.cancelAll()
                }
            }
        }
    }

    @Test("hundreds of clients that send half a request keep no other from its answer, nor from one that is being made")
    func manySlowClients() async throws {
        try await serving(patience: .seconds(60)) { base in
            let answer = health.holdReadiness()
            async let early = self.answer(to: base + "/readyz")
            await answer.waitUntilRequested()
            let channels = try await withThrowingTaskGroup(of: (any Channel).self) { tasks in
                for _ in 0..<300 {
                    tasks.addTask {
                        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                            .connect(host: "127.0.0.1", port: try port(of: base)).get()
                        try? await channel.writeAndFlush(ByteBuffer(string: "GET /readyz HT"))
                        return channel
                    }
                }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            let live = try await self.answer(to: base + "/livez")
            #expect(live.status == 200)
            answer.release()
            let ready = try await early
            #expect(ready.status == 200)
            for channel in channels { channel.close(promise: nil) }
        }
    }

    @Test("a port that is in use is an error that names the key")
    func portInUse() async throws {
        try await serving { base in
            var configuration = HTTPEndpoints.Configuration()
            configuration.port = try port(of: base)
            let second = HTTPEndpoints(configuration: configuration, registry: registry, health: health, pages: health, logger: quiet)
            let error = try await #require(throws: HTTPEndpointsError.self) { try await second.run() }
            #expect(error == .addressInUse(host: "127.0.0.1", port: configuration.port))
            #expect("\(error)".hasPrefix("http.listen: another program is listening on 127.0.0.1:\(configuration.port) already;"))
        }
    }

    @Test(
        "the address of another machine and an unknown host are errors that name the key", arguments: ["192.0.2.1", "no..host"])
    func unusableAddress(host: String) async throws {
        var configuration = HTTPEndpoints.Configuration()
        configuration.host = host
        configuration.port = 0
        let endpoints = HTTPEndpoints(configuration: configuration, registry: registry, health: health, pages: health, logger: quiet)
        let error = try await #require(throws: HTTPEndpointsError.self) { try await endpoints.run() }
        #expect("\(error)".hasPrefix("http.listen: "))
        #expect("\(error)".contains(host))
    }

    // MARK: Help

    private let quiet = Logger(label: "bos.test") { _ in SwiftLogNoOpLogHandler() }

    private struct Answer: Equatable {
        var status: UInt
        var type: String?
        var body: String

        init(_ status: UInt, type: String?, body: String) {
            self.status = status
            self.type = type
            self.body = body
        }
    }

    /// Runs the endpoints on a free port while `body` runs, and shuts them down afterwards.
    private func serving(patience: Duration = .seconds(10), _ body: (String) async throws -> Void) async throws {
        var configuration = HTTPEndpoints.Configuration()
        configuration.port = 0
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let endpoints = HTTPEndpoints(
            configuration: configuration, registry: registry, health: health, pages: health, logger: quiet, patience: patience
        ) {
            continuation.yield($0)
        }
        let group = ServiceGroup(services: [endpoints], logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let port = try #require(await ports.first { _ in true })
            try await body("http://127.0.0.1:\(port)")
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func answer(to url: String) async throws -> Answer {
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 1 << 20)
        return Answer(response.status.code, type: response.headers.first(name: "content-type"), body: String(buffer: body))
    }

    /// Sends raw bytes, and returns all bytes that the server sends until it closes the connection.
    private func exchange(_ bytes: String, with base: String) async throws -> String {
        try await connected(to: base) { inbound, outbound in
            // The server may close the connection before it has read all bytes. Only its answer matters.
            try? await outbound.write(ByteBuffer(string: bytes))
            var answer = ""
            do {
                for try await part in inbound { answer += String(buffer: part) }
            } catch {}
            return answer
        }
    }

    private func connected<Value: Sendable>(
        to base: String,
        _ body: (NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: try port(of: base)) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
        return try await channel.executeThenClose(body)
    }

    private func port(of base: String) throws -> Int { try #require(base.split(separator: ":").last.flatMap { Int($0) }) }
}
