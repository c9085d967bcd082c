import JobModel
import Synchronization
import Testing

@testable import BOSClient

@Suite("Kept connections", .timeLimit(.minutes(5)))
struct KeptConnectionTests {
    /// An answer that carries the recharge's own reference as its `ackno`.
    private static func answer(_ request: String, headers: String = "") -> String {
        let reference = request.firstMatch(of: /"referenceid":"([^"]+)"/).map { String($0.1) } ?? ""
        return ScriptedServer.answer(
            "200 OK", body: #"{"status":true,"response_code":1,"ackno":"\#(reference)","message":"ok"}"#, headers: headers)
    }

    /// Recharges once. This is a function so that a failed expectation shows the outcome only.
    private func outcome(_ client: BOSClient, of request: Recharge, timeout: Duration = .seconds(20)) async -> String {
        await client.recharge(request, timeout: timeout).outcome
    }

    private func waitUntilKept(_ client: BOSClient) async {
        while !client.keepsConnections, !Task.isCancelled { await Task.yield() }
    }

    /// Makes `count` recharges, `atOnce` at a time. Returns how many were done, and the answers that belong to another recharge.
    private func recharge(_ count: Int, atOnce: Int, on server: ScriptedServer) async throws -> (done: Int, wrong: [String]) {
        try await withClient(server.address, configure: { $0.maximumConnections = 64 }) { client in
            let next = Counter()
            return await withTaskGroup(of: (Int, [String]).self) { group in
                for _ in 0..<atOnce {
                    group.addTask {
                        var (done, wrong): (Int, [String]) = (0, [])
                        while case let number = next.next(), number <= count {
                            guard case .answered(let answer) = await client.recharge(.sample("r\(number)-"), timeout: .seconds(20)) else {
                                continue
                            }
                            done += 1
                            let acknowledgement = answer.facts.acknowledgement ?? ""
                            if acknowledgement != "r\(number)-" { wrong.append("r\(number)- got \(acknowledgement)") }
                        }
                        return (done, wrong)
                    }
                }
                return await group.reduce(into: (0, [])) { $0 = ($0.0 + $1.0, $0.1 + $1.1) }
            }
        }
    }

    @Test(
        "the second answer of a server that answers twice is never taken for that of another recharge",
        arguments: [false, true])
    func secondAnswerIsNeverTaken(inTwoSegments: Bool) async throws {
        let server = try await ScriptedServer.start { _, request in
            let answer = Self.answer(request)
            return inTwoSegments ? .writeTwice(answer, answer) : .write(answer + answer)
        }
        let (done, wrong) = try await recharge(1_000, atOnce: 16, on: server)
        try await server.stop()
        #expect(wrong == [])
        #expect(done > 950)
    }

    @Test("a 408 on an idle kept connection is never taken for the answer to a recharge")
    func idle408IsNeverTaken() async throws {
        let timeout = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        let server = try await ScriptedServer.start { number, request in
            number > 400 && number % 47 == 0 ? .writeTwice(Self.answer(request), timeout) : .write(Self.answer(request))
        }
        let (done, wrong) = try await recharge(1_000, atOnce: 16, on: server)
        try await server.stop()
        #expect(wrong == [])
        #expect(done > 950)
    }

    @Test("connections are kept once enough successes were followed by silence, and never again after an unasked answer")
    func connectionsAreKeptWhileTrusted() async throws {
        let isDouble = Mutex(false)
        let server = try await ScriptedServer.start { _, request in
            let answer = Self.answer(request)
            return .write(isDouble.withLock { $0 } ? answer + answer : answer)
        }
        try await withClient(server.address, configure: { $0.idleTimeout = .seconds(30) }) { client in
            for number in 0..<ConnectionTrust.silencesNeeded {
                #expect(await outcome(client, of: .sample("r\(number)-")) == "done")
            }
            #expect(server.connections == ConnectionTrust.silencesNeeded)
            await waitUntilKept(client)
            for number in 100..<110 { #expect(await outcome(client, of: .sample("r\(number)-")) == "done") }
            #expect(server.connections == ConnectionTrust.silencesNeeded + 1)
            isDouble.withLock { $0 = true }
            #expect(await outcome(client, of: .sample("r200-")) == "done")
            isDouble.withLock { $0 = false }
            for number in 300..<310 { #expect(await outcome(client, of: .sample("r\(number)-")) == "done") }
            #expect(server.connections == ConnectionTrust.silencesNeeded + 11)
            #expect(!client.keepsConnections)
        }
        try await server.stop()
    }

    @Test("a copy of an earlier success on a kept connection decides nothing if acknowledgements normally differ")
    func copiedSuccessDecidesNothing() async throws {
        let last = Mutex("")
        let server = try await ScriptedServer.start { _, request in
            let answer = last.withLock { last in
                if !request.contains("\"late-\"") { last = Self.answer(request) }
                return last
            }
            return .write(answer)
        }
        try await withClient(server.address, configure: { $0.idleTimeout = .seconds(30) }) { client in
            for number in 0..<ConnectionTrust.silencesNeeded { _ = await client.recharge(.sample("r\(number)-")) }
            await waitUntilKept(client)
            #expect(await outcome(client, of: .sample("before-")) == "done")
            #expect(await outcome(client, of: .sample("late-")) == "unknown.contradictory")
        }
        try await server.stop()
    }

    @Test("a connection is not used again after an answer other than a success")
    func refusalEndsConnection() async throws {
        let server = try await ScriptedServer.start { _, request in
            request.contains("\"no")
                ? .write(ScriptedServer.answer("200 OK", body: #"{"status":false,"response_code":7}"#)) : .write(Self.answer(request))
        }
        try await withClient(server.address) { client in
            for number in 0..<ConnectionTrust.silencesNeeded { _ = await client.recharge(.sample("r\(number)-")) }
            await waitUntilKept(client)
            let before = server.connections
            for number in 0..<3 { _ = await client.recharge(.sample("no\(number)-")) }
            #expect(server.connections == before + 3)
        }
        try await server.stop()
    }

    @Test("the client closes an idle connection before a server with a limit of five seconds does")
    func clientClosesIdleConnectionFirst() async throws {
        let server = try await ScriptedServer.start { _, request in .writeAndKeep(.seconds(5), Self.answer(request)) }
        try await withClient(server.address) { client in
            for number in 0..<ConnectionTrust.silencesNeeded { #expect(await outcome(client, of: .sample("r\(number)-")) == "done") }
            for _ in 0..<ConnectionTrust.silencesNeeded { #expect(await server.nextEnd() == "closed") }
            await waitUntilKept(client)
            #expect(await outcome(client, of: .sample("kept-")) == "done")
            #expect(await server.nextEnd() == "closed")
            #expect(await outcome(client, of: .sample("new-")) == "done")
        }
        try await server.stop()
    }

    @Test(
        "a connection is not used again if the server keeps idle ones hardly longer than the client",
        arguments: [("timeout=2, max=100", 3), ("TIMEOUT=0", 3), ("timeout=5, max=100", 1), ("max=100", 1), ("timeout=soon", 1)])
    func shortKeepAliveEndsConnection(header: String, connections: Int) async throws {
        let server = try await ScriptedServer.start { _, request in
            .write(Self.answer(request, headers: request.contains("\"limited") ? "Keep-Alive: \(header)\r\n" : ""))
        }
        try await withClient(server.address) { client in
            for number in 0..<ConnectionTrust.silencesNeeded { _ = await client.recharge(.sample("r\(number)-")) }
            await waitUntilKept(client)
            let before = server.connections
            for number in 0..<3 { #expect(await outcome(client, of: .sample("limited\(number)-")) == "done") }
            #expect(server.connections == before + connections)
        }
        try await server.stop()
    }

    @Test("a call that is given up resets its connection, so that no byte of it leaves later")
    func abandonedCallResetsConnection() async throws {
        let server = try await ScriptedServer.start { _, _ in .silence }
        try await withClient(server.address) { client in
            #expect(await outcome(client, of: .sample(), timeout: .seconds(3)) == "unknown.timeout")
            #expect(await server.nextEnd() == "reset")
        }
        try await server.stop()
    }
}
