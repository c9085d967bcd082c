import JobModel
import Secrets
import Synchronization
import Testing

@testable import BOSClient

@Suite("Deadlines of callers, and the User-Agent", .timeLimit(.minutes(1)))
struct TimelinessTests {
    private static let done = ScriptedServer.answer("200 OK", body: #"{"status":true,"response_code":1,"ackno":"8"}"#)

    @Test("a recharge is not sent if its caller reports at the last moment that it is too late")
    func lateRechargeIsNotSent() async throws {
        let server = try await ScriptedServer.start { _, _ in .write(Self.done) }
        let checks = Counter()
        try await withClient(server.address) { client in
            let attempt = await client.recharge(.sample()) { checks.next() > 1 }
            #expect(attempt.outcome == "notSent.late")
            #expect(server.requests.isEmpty)
            #expect(await client.recharge(.sample()) { checks.next() > 1 }.outcome == "done")
        }
        try await server.stop()
        #expect(server.requests.count == 1)
        #expect(checks.next() == 3)
    }

    @Test("the caller is asked after the wait for a token, and BOS then has the whole time")
    func waitForTokenTakesNoTimeFromBOS() async throws {
        let server = try await ScriptedServer.start { _, request in
            if request.hasPrefix("POST /authorize ") {
                return .writeAfter(.seconds(2), ScriptedServer.answer("200 OK", body: #"{"data":{"token":"t"}}"#))
            }
            return .writeAfter(.milliseconds(700), Self.done)
        }
        let authorise = BOSConfiguration.Authorise(
            url: "http://127.0.0.1:\(server.port)/authorize", clientID: "client", clientSecret: Secret("s"))
        try await withClient(server.address, configure: { $0.credentials = .authorise(authorise) }) { client in
            #expect(await client.recharge(.sample(), timeout: .milliseconds(2200)).outcome == "done")
        }
        try await server.stop()
    }

    @Test("every call carries the User-Agent")
    func everyCallCarriesUserAgent() async throws {
        let server = try await ScriptedServer.start { _, request in
            .write(request.hasPrefix("POST /authorize ") ? ScriptedServer.answer("200 OK", body: #"{"data":{"token":"t"}}"#) : Self.done)
        }
        let authorise = BOSConfiguration.Authorise(
            url: "http://127.0.0.1:\(server.port)/authorize", clientID: "client", clientSecret: Secret("s"))
        try await withClient(
            server.address,
            configure: {
                $0.userAgent = "bos-worker/1.2"
                $0.credentials = .authorise(authorise)
            }
        ) { client in
            _ = await client.recharge(.sample())
            _ = await client.enquire(reference: "r", registerID: "1")
            _ = await client.panStatus(PANStatusQuery(reference: "a"))
        }
        try await server.stop()
        #expect(server.requests.count == 4)
        for request in server.requests { #expect(request.lowercased().contains("\r\nuser-agent: bos-worker/1.2\r\n")) }
    }
}
