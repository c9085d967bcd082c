import BOSSimulatorKit
import CryptoExtras
import Foundation
import JobModel
import Secrets
import Testing

@testable import BOSClient

@Suite("Tokens", .timeLimit(.minutes(1)))
struct TokenTests {
    private static let done = ScriptedServer.answer("200 OK", body: #"{"status":true,"response_code":1}"#)

    private static func grant(_ token: String, expiry: String = "null") -> String {
        ScriptedServer.answer("200 OK", body: #"{"status":"SUCCESS","subCode":"200","data":{"token":"\#(token)","expiry":\#(expiry)}}"#)
    }

    /// A server that answers authorise calls with `authorise`, which gets their number from 1, and every other call as done.
    private func server(_ authorise: @escaping @Sendable (Int) -> ScriptedServer.Action) async throws -> ScriptedServer {
        let calls = Counter()
        return try await ScriptedServer.start { _, request in
            request.hasPrefix("POST /authorize ") ? authorise(calls.next()) : .write(Self.done)
        }
    }

    private func authorise(_ server: ScriptedServer) -> BOSConfiguration.Authorise {
        BOSConfiguration.Authorise(
            url: "http://127.0.0.1:\(server.port)/authorize", clientID: "client", clientSecret: Secret("open sesame"))
    }

    private func authoriseCalls(_ server: ScriptedServer) -> Int { server.requests.count { $0.hasPrefix("POST /authorize ") } }

    @Test("a hundred calls that need a token make one authorise call")
    func oneAuthoriseCallForAllCalls() async throws {
        try await withSimulator(configure: { $0.isTokenRequired = true }) { address in
            let credentials = BOSConfiguration.Authorise(
                url: "\(address)/payout/v1/authorize", clientID: "client", clientSecret: Secret("open sesame"))
            try await withClient("\(address)/api/BOS", configure: { $0.credentials = .authorise(credentials) }) { client in
                #expect(!client.credentialState.isUsable)
                let outcomes = await withTaskGroup(of: String.self, returning: [String].self) { group in
                    for index in 0..<100 { group.addTask { await client.recharge(.sample("r\(index)")).outcome } }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes.allSatisfy { $0 == "done" })
                #expect(client.credentialState.isUsable)
                let books = try fetch("\(address)/simulator/books")
                #expect(books.contains(#""authorize":1}"#))
            }
        }
    }

    @Test("a hundred callers whose token was refused share one renewal, and the next renewal has to wait")
    func refusedTokenIsRenewedOnce() async throws {
        let server = try await server { .write(Self.grant("token-\($0)")) }
        let clock = ManualClock()
        try await withClient(server.address, clock: clock.clock, configure: { $0.credentials = .authorise(authorise(server)) }) { client in
            _ = await client.recharge(.sample())
            func renew(_ version: UInt64) async -> Int {
                await withTaskGroup(of: Bool.self, returning: Int.self) { group in
                    for _ in 0..<100 { group.addTask { await client.renewCredentials(refused: CredentialVersion(version)) } }
                    return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
            }
            #expect(await renew(1) == 100)
            #expect(authoriseCalls(server) == 2)
            // The new token is refused too. No further renewal is made before the interval has passed.
            #expect(await renew(2) == 0)
            #expect(authoriseCalls(server) == 2)
            clock.advance(by: 10)
            #expect(await renew(2) == 100)
            #expect(authoriseCalls(server) == 3)
            _ = await client.recharge(.sample())
        }
        try await server.stop()
        #expect(server.requests.last?.contains("Authorization: Bearer token-3\r\n") == true)
    }

    @Test("a token is replaced at three quarters of its life, and calls use the old one until then")
    func tokenIsRenewedBeforeExpiry() async throws {
        let clock = ManualClock()
        let expiry = Int(clock.now) + 600
        let server = try await server { .write(Self.grant("token-\($0)", expiry: $0 == 1 ? "\(expiry)" : "null")) }
        try await withClient(server.address, clock: clock.clock, configure: { $0.credentials = .authorise(authorise(server)) }) { client in
            let running = Task { await client.run() }
            // With the random number 0.5 the renewal is due after 75 % of 600 seconds.
            #expect(await clock.nextSleep() == 450)
            #expect(client.credentialState == CredentialState(isUsable: true, expiresAt: 1_000_600, problem: nil, renewedAt: 1_000_000))
            clock.advance(by: 449)
            _ = await client.recharge(.sample())
            #expect(server.requests.last?.contains("Bearer token-1\r\n") == true)
            clock.advance(by: 1)
            #expect(await clock.nextSleep() == 450)
            _ = await client.recharge(.sample())
            #expect(server.requests.last?.contains("Bearer token-2\r\n") == true)
            running.cancel()
            clock.advance(by: 1000)
            await running.value
        }
        try await server.stop()
    }

    @Test("after each failed authorise call the next one waits longer, and calls are not sent meanwhile")
    func failedAuthoriseBacksOff() async throws {
        let clock = ManualClock()
        let refusal = ScriptedServer.answer("403 Forbidden", body: #"{"status":"ERROR","subCode":"403","message":"no open sesame"}"#)
        let server = try await server { .write($0 <= 3 ? refusal : Self.grant("token")) }
        try await withClient(server.address, clock: clock.clock, configure: { $0.credentials = .authorise(authorise(server)) }) { client in
            let running = Task { await client.run() }
            for pause in [1.5, 3, 6] {
                #expect(await clock.nextSleep() == pause)
                let attempt = await client.recharge(.sample())
                #expect(attempt.outcome == "notSent.token_unavailable")
                #expect(attempt.detail?.contains("HTTP 403, subCode 403") == true)
                #expect(attempt.detail?.contains("sesame") == false)
                #expect(client.credentialState.problem == attempt.detail)
                clock.advance(by: pause)
            }
            #expect(await clock.nextSleep() == 450)
            #expect(await client.recharge(.sample()).outcome == "done")
            running.cancel()
            clock.advance(by: 1000)
            await running.value
        }
        try await server.stop()
        #expect(authoriseCalls(server) == 4)
    }

    @Test("a change of the wall clock neither stops a renewal nor prolongs a token", arguments: [-19_800.0, 19_800, -1e9])
    func wallClockChangeIsHarmless(by seconds: Double) async throws {
        let clock = ManualClock()
        let server = try await server { $0 == 1 ? .close : .write(Self.grant("token-\($0)")) }
        try await withClient(server.address, clock: clock.clock, configure: { $0.credentials = .authorise(authorise(server)) }) { client in
            #expect(await client.recharge(.sample()).outcome == "notSent.token_unavailable")
            clock.set(by: seconds)
            // The pause after the failure is 1.5 seconds.
            clock.advance(by: 2)
            #expect(await client.recharge(.sample()).outcome == "done")
            clock.set(by: -seconds)
            #expect(client.credentialState.isUsable)
            clock.advance(by: 599)
            #expect(client.credentialState.isUsable)
            clock.advance(by: 1)
            #expect(!client.credentialState.isUsable)
            #expect(await client.recharge(.sample()).outcome == "done")
            clock.set(by: seconds)
            clock.advance(by: 10)
            #expect(await client.renewCredentials(refused: CredentialVersion(2)))
        }
        try await server.stop()
        #expect(authoriseCalls(server) == 4)
    }

    @Test("recharges that a 401 without a code refuses at the same time cause one authorise call, and succeed with the new token")
    func concurrent401sRenewOnce() async throws {
        let calls = Counter()
        let server = try await ScriptedServer.start { _, request in
            if request.hasPrefix("POST /authorize ") { return .write(Self.grant("token-\(calls.next())")) }
            guard request.contains("Bearer token-1\r\n") else { return .write(Self.done) }
            return .write(
                ScriptedServer.answer(
                    "401 Unauthorized", body: #"{"message":"Unauthorized"}"#,
                    headers: "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"))
        }
        try await withClient(server.address, clock: ManualClock().clock, configure: { $0.credentials = .authorise(authorise(server)) }) {
            client in
            let outcomes = await withTaskGroup(of: String.self, returning: [String].self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let first = await client.recharge(.sample("r\(number)"))
                        guard case .credentialsRefused(let facts, let version) = first, facts.responseCode == nil,
                            await client.renewCredentials(refused: version)
                        else {
                            return first.outcome
                        }
                        return await client.recharge(.sample("r\(number)")).outcome
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.allSatisfy { $0 == "done" })
        }
        try await server.stop()
        #expect(authoriseCalls(server) == 2)
    }

    @Test(
        "an authorise answer without a usable token is a problem, not a token",
        arguments: [
            ScriptedServer.answer("200 OK", body: "{}"), ScriptedServer.answer("200 OK", body: "no json"),
            ScriptedServer.answer("200 OK", body: ""),
            ScriptedServer.answer("200 OK", body: #"{"data":{"token":""}}"#),
            ScriptedServer.answer("200 OK", body: #"{"data":{"token":"a\r\nX: b"}}"#),
            ScriptedServer.answer("500 Internal Server Error", body: #"{"data":{"token":"t"}}"#),
        ])
    func authoriseAnswerWithoutTokenIsAProblem(answer: String) async throws {
        let server = try await server { _ in .write(answer) }
        let attempt = try await withClient(server.address, configure: { $0.credentials = .authorise(authorise(server)) }) {
            await $0.recharge(.sample())
        }
        try await server.stop()
        #expect(attempt.outcome == "notSent.token_unavailable")
        #expect(server.requests.count == 1)
    }

    @Test("the authorise call carries id, secret and a signature that the private key can read")
    func authoriseCallIsSigned() async throws {
        let key = try _RSA.Encryption.PrivateKey(keySize: .bits2048)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).pem")
        try key.publicKey.pemRepresentation.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try await server { .write(Self.grant("token-\($0)")) }
        var credentials = authorise(server)
        credentials.publicKeyFile = file.path
        try await withClient(server.address, clock: ManualClock().clock, configure: { $0.credentials = .authorise(credentials) }) {
            client in
            #expect(await client.recharge(.sample()).outcome == "done")
        }
        try await server.stop()
        let request = try #require(server.requests.first)
        #expect(request.contains("X-Client-Id: client\r\n"))
        #expect(request.contains("X-Client-Secret: open sesame\r\n"))
        let signature = try #require(request.firstMatch(of: /X-Cf-Signature: ([^\r]+)\r\n/)).1
        let text = try key.decrypt(#require(Data(base64Encoded: String(signature))), padding: .PKCS1_OAEP)
        #expect(String(decoding: text, as: UTF8.self) == "client.1000000")
    }

    @Test("a missing public key and an invalid URL are refused when the client is created")
    func invalidConfigurationIsRefused() async throws {
        var credentials = BOSConfiguration.Authorise(url: "http://127.0.0.1/a", clientID: "c", clientSecret: Secret("s"))
        credentials.publicKeyFile = "/nowhere/key.pem"
        for credentials in [credentials, BOSConfiguration.Authorise(url: "nowhere", clientID: "c", clientSecret: Secret("s"))] {
            await #expect(throws: BOSConfigurationError.self) {
                try await withClient("http://127.0.0.1", configure: { $0.credentials = .authorise(credentials) }) { _ in }
            }
        }
        await #expect(throws: BOSConfigurationError.invalidURL("ftp://x/DoRecharge")) { try await withClient("ftp://x") { _ in } }
    }

    @Test("a token file is read again when it changes, and at once when the token was refused")
    func changedTokenFileIsRead() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).token")
        defer { try? FileManager.default.removeItem(at: file) }
        func write(_ token: String) throws { try token.write(to: file, atomically: true, encoding: .utf8) }
        let server = try await ScriptedServer.start { _, _ in .write(Self.done) }
        let clock = ManualClock()
        try await withClient(server.address, clock: clock.clock, configure: { $0.credentials = .file(path: file.path) }) { client in
            #expect(await client.recharge(.sample()).outcome == "notSent.token_unavailable")
            #expect(client.credentialState.problem?.contains(file.path) == true)
            try write("  first-token \n")
            clock.advance(by: 1)
            #expect(await client.recharge(.sample()).outcome == "done")
            #expect(server.requests.last?.contains("Authorization: Bearer first-token\r\n") == true)
            #expect(await client.renewCredentials(refused: CredentialVersion(1)) == false)
            try write("second-token")
            #expect(await client.renewCredentials(refused: CredentialVersion(1)))
            _ = await client.recharge(.sample())
            #expect(server.requests.last?.contains("Bearer second-token\r\n") == true)
            for useless in ["", " \n", "two words", "line\nline"] {
                try write(useless)
                clock.advance(by: 1)
                #expect(await client.recharge(.sample()).outcome == "notSent.token_unavailable")
                #expect(!client.credentialState.isUsable)
            }
            try write("\u{FEFF}third-token\r\n")
            clock.advance(by: 1)
            #expect(await client.recharge(.sample()).outcome == "done")
            #expect(server.requests.last?.contains("Bearer third-token\r\n") == true)
        }
        try await server.stop()
    }

    @Test("a token file behind symbolic links is read again when one of the links changes")
    func changedSymbolicLinkIsFollowed() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
        for name in ["old", "new"] {
            try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
            try "token-\(name)".write(toFile: path("\(name)/token"), atomically: true, encoding: .utf8)
        }
        try FileManager.default.createSymbolicLink(atPath: path("data"), withDestinationPath: "old")
        try FileManager.default.createSymbolicLink(atPath: path("token"), withDestinationPath: "data/token")
        let server = try await ScriptedServer.start { _, _ in .write(Self.done) }
        let clock = ManualClock()
        try await withClient(server.address, clock: clock.clock, configure: { $0.credentials = .file(path: path("token")) }) { client in
            #expect(await client.recharge(.sample()).outcome == "done")
            try FileManager.default.createSymbolicLink(atPath: path("next"), withDestinationPath: "new")
            #expect(rename(path("next"), path("data")) == 0)
            clock.advance(by: 1)
            #expect(await client.recharge(.sample()).outcome == "done")
        }
        try await server.stop()
        #expect(server.requests.map { $0.contains("Bearer token-new\r\n") } == [false, true])
    }

    @Test("after a refusal a token file is read again even if its inode, size and times are unchanged")
    func unchangedTokenFileIsReadAfterRefusal() async throws {
        // The kernel shows a thread's name as a file whose inode, size and times never change.
        let name = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).token").path
        defer { try? FileManager.default.removeItem(atPath: name) }
        let file = try #require(FileHandle(forUpdatingAtPath: "/proc/self/comm"))
        let former = try #require(try file.readToEnd())
        defer { file.write(former) }
        try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: "/proc/self/comm")
        file.write(Data("token-a".utf8))
        let server = try await ScriptedServer.start { _, _ in .write(Self.done) }
        try await withClient(server.address, clock: ManualClock().clock, configure: { $0.credentials = .file(path: name) }) { client in
            #expect(await client.recharge(.sample()).outcome == "done")
            file.write(Data("token-b".utf8))
            #expect(await client.renewCredentials(refused: CredentialVersion(1)))
            #expect(await client.recharge(.sample()).outcome == "done")
        }
        try await server.stop()
        #expect(server.requests.map { $0.contains("Bearer token-b\r\n") } == [false, true])
    }

    @Test("a token file that is a folder or a pipe is a problem, not a token")
    func tokenFileMustBeRegular() async throws {
        let pipe = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).token").path
        defer { try? FileManager.default.removeItem(atPath: pipe) }
        try #require(mkfifo(pipe, 0o600) == 0)
        for path in [pipe, FileManager.default.temporaryDirectory.path] {
            try await withClient("http://127.0.0.1:1", configure: { $0.credentials = .file(path: path) }) { client in
                #expect(await client.recharge(.sample()).outcome == "notSent.token_unavailable")
                #expect(client.credentialState.problem?.contains(path) == true)
            }
        }
    }

    @Test("an authorise answer inside a JSON string is read, and an encoded one is refused by naming its encoding")
    func wrappedAuthoriseAnswerIsRead() async throws {
        let body = #""{\"data\":\"{\\\"token\\\":\\\"inner\\\"}\"}""#
        let wrapped = try await server { _ in .write(ScriptedServer.answer("200 OK", body: body)) }
        try await withClient(wrapped.address, configure: { $0.credentials = .authorise(authorise(wrapped)) }) { client in
            #expect(await client.recharge(.sample()).outcome == "done")
        }
        try await wrapped.stop()
        #expect(wrapped.requests.last?.contains("Bearer inner\r\n") == true)
        let encoded = try await server { _ in
            .write(ScriptedServer.answer("200 OK", body: #"{"data":{"token":"t"}}"#, headers: "Content-Encoding: gzip\r\n"))
        }
        let attempt = try await withClient(encoded.address, configure: { $0.credentials = .authorise(authorise(encoded)) }) {
            await $0.recharge(.sample())
        }
        try await encoded.stop()
        #expect(attempt.outcome == "notSent.token_unavailable")
        #expect(attempt.detail?.contains("Content-Encoding: gzip") == true)
    }

    @Test("no description, dump or message shows a secret")
    func secretIsNeverShown() {
        let secret = Secret("open sesame")
        let credentials = BOSConfiguration.Credentials.authorise(.init(url: "u", clientID: "c", clientSecret: secret))
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\(credentials)", String(reflecting: credentials), "\([secret])", dumped] {
            #expect(!text.contains("sesame"))
        }
        #expect("\(secret)" == "<redacted>")
    }

    private func fetch(_ url: String) throws -> String {
        String(decoding: try Data(contentsOf: try #require(URL(string: url))), as: UTF8.self)
    }
}
