import BOSSimulatorKit
import Foundation
import JobModel
import NIOCore
import NIOPosix
import Secrets
import Testing

@testable import BOSClient

@Suite("One attempt over real connections", .timeLimit(.minutes(1)))
struct OneAttemptTests {
    private static let done = ScriptedServer.answer(
        "200 OK", body: #"{"status":true,"response_code":1,"operatorid":7,"ackno":"8","message":"ok"}"#)

    /// Makes one recharge against a server that performs this action.
    private func recharge(
        _ action: ScriptedServer.Action, timeout: Duration = .seconds(20)
    ) async throws -> (attempt: Attempt<RechargeAnswer>, seen: [String]) {
        let server = try await ScriptedServer.start { _, _ in action }
        let attempt = try await withClient(server.address) { await $0.recharge(.sample(), traceparent: "00-ab-cd-01", timeout: timeout) }
        try await server.stop()
        return (attempt, server.requests)
    }

    @Test("a recharge is sent in the API's form, with exactly the given values")
    func rechargeIsSentAsGiven() async throws {
        let (attempt, seen) = try await recharge(.write(Self.done))
        #expect(attempt.outcome == "done")
        let request = try #require(seen.first)
        #expect(request.hasPrefix("POST /api/BOS/DoRecharge HTTP/1.1\r\n"))
        #expect(request.contains("Content-Type: application/json\r\n"))
        #expect(request.contains("traceparent: 00-ab-cd-01\r\n"))
        #expect(!request.contains("Authorization"))
        #expect(
            request.hasSuffix(
                "\r\n\r\n" + #"{"operator":311,"canumber":"DL12CB4685","amount":10.50,"referenceid":"r1","RegisterID":"1234"}"#))
    }

    @Test("enquiries and PAN checks use the configured spelling, and a job's own keys win over the configured ones")
    func questionsUseConfiguredSpelling() async throws {
        let server = try await ScriptedServer.start { _, _ in .write(Self.done) }
        try await withClient(
            server.address,
            configure: {
                $0.enquiry.registrationField = "RegistrationID"
                $0.pan.domain = "configured"
                $0.pan.nepKey = Secret("key")
            }
        ) { client in
            _ = await client.enquire(reference: "r1", registerID: "9")
            _ = await client.panStatus(PANStatusQuery(reference: "a\"1", domain: "own"))
        }
        try await server.stop()
        #expect(server.requests.first?.hasSuffix(#"{"RegistrationID":"9","referenceid":"r1"}"#) == true)
        #expect(server.requests.first?.hasPrefix("POST /api/BOS/RechargesStatus ") == true)
        #expect(server.requests.last?.hasSuffix(#"{"refid":"a\"1","nep_key":"key","domain":"own"}"#) == true)
        #expect(server.requests.last?.hasPrefix("POST /api/BOS/Status ") == true)
    }

    @Test(
        "a failure after the request has left is unknown, and the request was sent exactly once",
        arguments: [
            (ScriptedServer.Action.close, "unknown.connection_lost"), (.reset, "unknown.connection_lost"),
            (.writeThenClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\":true"), "unknown."),
            (.writeThenClose("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"sta"), "unknown."),
            (.write("nothing like HTTP\r\n\r\n"), "unknown.unreadable"),
            (
                .write(ScriptedServer.answer("302 Found", body: "", headers: "Location: /api/BOS/Elsewhere\r\n")),
                "unknown.unexpected_status"
            ),
            (
                .write(ScriptedServer.answer("307 Temporary Redirect", body: "", headers: "Location: /api/BOS/DoRecharge\r\n")),
                "unknown.unexpected_status"
            ),
            (.write("HTTP/1.1 204 No Content\r\n\r\n"), "unknown.unreadable"),
            (.write(ScriptedServer.answer("200 OK", body: "")), "unknown.unreadable"),
            (
                .write(ScriptedServer.answer("200 OK", body: "{\"message\":\"\(String(repeating: "x", count: 70_000))\"}")),
                "unknown.unreadable"
            ),
            (.write(ScriptedServer.answer("503 Service Unavailable", body: "", headers: "Retry-After: 7\r\n")), "unknown.server_error"),
        ])
    func failureAfterSendingIsUnknown(action: ScriptedServer.Action, outcome: String) async throws {
        let (attempt, seen) = try await recharge(action)
        #expect(attempt.outcome.hasPrefix(outcome))
        #expect(seen.count == 1)
        #expect(attempt.detail?.contains("DL12CB4685") == false)
    }

    @Test("a 503 keeps its Retry-After, and a 429 is throttled")
    func retryAfterIsKept() async throws {
        let (unavailable, _) = try await recharge(
            .write(ScriptedServer.answer("503 Service Unavailable", body: "", headers: "Retry-After: 7\r\n")))
        guard case .unknown(_, _, let facts) = unavailable else {
            Issue.record("a 503 is unknown")
            return
        }
        #expect(facts?.retryAfter == .seconds(7))
        let (tooMany, _) = try await recharge(
            .write(ScriptedServer.answer("429 Too Many Requests", body: "", headers: "Retry-After: 2\r\n")))
        #expect(tooMany.outcome == "throttled(2.0 seconds)")
    }

    @Test("an answer in chunks is put together")
    func chunkedAnswerIsRead() async throws {
        let parts = [#"{"status":true,"respo"#, #"nse_code":"1""#, "}"]
        let chunks = parts.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
        let (attempt, _) = try await recharge(.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)"))
        #expect(attempt.outcome == "done")
    }

    @Test("no answer in time is unknown")
    func timeoutIsUnknown() async throws {
        let (attempt, seen) = try await recharge(.silence, timeout: .seconds(3))
        #expect(attempt.outcome == "unknown.timeout")
        #expect(seen.count == 1)
    }

    @Test("a call to a refused connection or an unknown host is not sent")
    func refusedConnectionIsNotSent() async throws {
        let port = try ReservedPort()
        let refused = try await withClient("http://127.0.0.1:\(port.number)/api/BOS") { await $0.recharge(.sample()) }
        port.release()
        #expect(refused.outcome == "notSent.connect_failed")
        let nowhere = try await withClient("http://no..name/api/BOS") { await $0.recharge(.sample()) }
        #expect(nowhere.outcome == "notSent.connect_failed")
    }

    @Test(
        "a call whose TLS handshake fails is not sent",
        arguments: [ScriptedServer.Action.write("this is no TLS at all\r\n"), .close, .reset])
    func failedHandshakeIsNotSent(action: ScriptedServer.Action) async throws {
        let server = try await ScriptedServer.start(onConnect: action) { _, _ in .silence }
        let attempt = try await withClient("https://127.0.0.1:\(server.port)/api/BOS") { await $0.recharge(.sample()) }
        try await server.stop()
        #expect(attempt.outcome.hasPrefix("notSent."))
        #expect(server.requests.isEmpty)
    }

    @Test("a server with an untrusted certificate gets no request, and the error says what to check")
    func untrustedServerGetsNothing() async throws {
        let server = try await TLSServer()
        let attempt = try await withClient("https://localhost:\(server.port)") { await $0.recharge(.sample()) }
        let received = server.stop()
        #expect(attempt.outcome == "notSent.connect_failed")
        let detail = try #require(attempt.detail)
        #expect(detail.contains("(CERTIFICATE_VERIFY_FAILED); check BOS's certificate"), "\(detail)")
        #expect(received.contains("ACCEPT") && !received.contains("DL12CB4685"))
    }

    @Test("a call whose TLS handshake is never answered is not sent")
    func silentHandshakeIsNotSent() async throws {
        let server = try await ScriptedServer.start(onConnect: .silence) { _, _ in .silence }
        let attempt = try await withClient(
            "https://127.0.0.1:\(server.port)/api/BOS", configure: { $0.connectTimeout = .milliseconds(300) }
        ) {
            await $0.recharge(.sample())
        }
        try await server.stop()
        #expect(attempt.outcome == "notSent.connect_timeout")
    }

    @Test("a call that gets no connection because all are busy is not sent", arguments: [true, false])
    func callWithoutConnectionIsNotSent(byDeadline: Bool) async throws {
        let server = try await ScriptedServer.start { _, _ in .silence }
        try await withClient(
            server.address,
            configure: {
                $0.maximumConnections = 1
                $0.connectTimeout = byDeadline ? .seconds(20) : .seconds(2)
            }
        ) { client in
            async let first = client.recharge(.sample("r1"), timeout: .seconds(6))
            _ = await server.nextRequest()
            let second = await client.recharge(.sample("r2"), timeout: byDeadline ? .milliseconds(300) : .seconds(20))
            #expect(second.outcome == (byDeadline ? "notSent.deadline" : "notSent.pool_timeout"))
            #expect(await first.outcome == "unknown.timeout")
        }
        try await server.stop()
        #expect(!server.requests.contains { $0.contains("\"r2\"") })
    }

    @Test("a client that is shut down sends nothing, and a call in flight becomes unknown")
    func shutDownClientSendsNothing() async throws {
        let server = try await ScriptedServer.start { _, _ in .silence }
        try await withClient(server.address) { client in
            async let running = client.recharge(.sample("r1"))
            _ = await server.nextRequest()
            await client.shutdown()
            #expect(await running.outcome == "unknown.connection_lost")
            #expect(await client.recharge(.sample("r2")).outcome == "notSent.shut_down")
        }
        try await server.stop()
        #expect(server.requests.count == 1)
    }

    @Test("a kept connection that ends while the next recharge is sent never causes a second sending", arguments: [true, false])
    func staleConnectionSendsOnce(byReset: Bool) async throws {
        // Each odd request is answered. Each even one, on the same kept connection, ends the connection.
        let server = try await ScriptedServer.start { number, _ in
            number % 2 == 1 ? .write(Self.done) : byReset ? .reset : .close
        }
        try await withClient(server.address, configure: { $0.maximumConnections = 1 }) { client in
            for round in 0..<50 {
                #expect(await client.recharge(.sample("first-\(round)-")).outcome == "done")
                #expect(await client.recharge(.sample("second-\(round)-")).outcome == "unknown.connection_lost")
            }
        }
        try await server.stop()
        #expect(server.requests.count == 100)
    }

    @Test("a server that closes each connection after its answer gets each recharge at most once, and none that is reported as not sent")
    func closingServerGetsEachRechargeOnce() async throws {
        let server = try await ScriptedServer.start { _, _ in .writeThenClose(Self.done) }
        var outcomes: [String: String] = [:]
        try await withClient(server.address, configure: { $0.maximumConnections = 2 }) { client in
            for round in 0..<300 { outcomes["r\(round)-"] = await client.recharge(.sample("r\(round)-")).outcome }
        }
        try await server.stop()
        try expectConsistent(outcomes, with: server.requests)
    }

    @Test("a call that is reported as not sent never arrives, whenever its time runs out")
    func notSentNeverArrives() async throws {
        let server = try await ScriptedServer.start { _, _ in .write(Self.done) }
        let outcomes = try await withClient(server.address, configure: { $0.maximumConnections = 4 }) { client in
            await withTaskGroup(of: (String, String).self, returning: [String: String].self) { group in
                for round in 0..<600 {
                    let reference = "r\(round)-"
                    group.addTask {
                        (reference, await client.recharge(.sample(reference), timeout: .microseconds(round * 37 % 6000)).outcome)
                    }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
        }
        try await server.stop()
        try expectConsistent(outcomes, with: server.requests)
        #expect(outcomes.values.contains { $0.hasPrefix("notSent") })
    }

    /// Expects that no request arrived twice, that none arrived for "not sent", and that one arrived for "done".
    private func expectConsistent(_ outcomes: [String: String], with requests: [String]) throws {
        let seen = try requests.map { String(try #require($0.firstMatch(of: /"referenceid":"([^"]+)"/)).1) }
        #expect(Set(seen).count == seen.count)
        for (reference, outcome) in outcomes {
            if outcome.hasPrefix("notSent") { #expect(!seen.contains(reference)) }
            if outcome == "done" { #expect(seen.contains(reference)) }
        }
    }

    @Test(
        "each fault of the simulator gives the outcome of its row",
        arguments: [
            (FaultRule(.authentication), "credentialsRefused(16)"), (FaultRule(.signature), "credentialsRefused(15)"),
            (FaultRule(.refuse, value: 9), "refused(code: Optional(9), isFinal: false)"),
            (FaultRule(.tooMany, value: 4), "throttled(4.0 seconds)"),
            (FaultRule(.serverError), "unknown.server_error"), (FaultRule(.garbage), "unknown.unreadable"),
            (FaultRule(.resetBefore), "unknown.connection_lost"), (FaultRule(.resetAfter), "unknown.connection_lost"),
            (FaultRule(.hang), "unknown.timeout"), (FaultRule(.late), "unknown.timeout"), (FaultRule(.answerLost), "unknown.timeout"),
            (FaultRule(.answerLost, value: 0.05), "unknown.connection_lost"), (FaultRule(.pendingThenDone), "accepted"),
            (FaultRule(.blindEnquiry), "done"),
        ])
    func simulatedFaultsHaveTheirOutcome(rule: FaultRule, outcome: String) async throws {
        try await withSimulator(configure: { $0.plan = FaultPlan(faults: [rule]) }) { address in
            try await withClient("\(address)/api/BOS") { client in
                let timeout: Duration = outcome == "unknown.timeout" ? .seconds(3) : .seconds(20)
                let attempt = await client.recharge(.sample(), timeout: timeout)
                #expect(attempt.outcome == outcome)
            }
        }
    }

    @Test("recharge, repeat, enquiry and PAN check agree with the simulator")
    func clientAgreesWithSimulator() async throws {
        try await withSimulator(configure: { $0.plan = FaultPlan(faults: [FaultRule(.panPending, value: 1)]) }) { address in
            try await withClient("\(address)/api/BOS") { client in
                #expect(await client.enquire(reference: "r1", registerID: "1").outcome == "notFound")
                #expect(await client.recharge(.sample()).outcome == "done")
                #expect(await client.recharge(.sample()).outcome == "duplicateReference")
                #expect(await client.enquire(reference: "r1", registerID: "1").outcome == "succeeded")
                #expect(await client.panStatus(PANStatusQuery(reference: "a1")).outcome == "pending")
                #expect(await client.panStatus(PANStatusQuery(reference: "a1")).outcome == "completed")
            }
        }
    }
}
