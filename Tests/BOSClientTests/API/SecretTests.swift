import Foundation
import JobModel
import Secrets
import Testing

@testable import BOSClient

@Suite("BOS's texts that the client passes on", .timeLimit(.minutes(1)))
struct SecretTests {
    private static func read(_ body: String, masking secrets: String...) -> BOSFacts {
        ReadAnswer(httpStatus: 200, body: Array(body.utf8), mask: SecretMask(secrets.map { Secret($0) })).facts
    }

    @Test("contain none of our secrets, in upper or lower case and in whatever member BOS repeats them")
    func secretsAreMasked() {
        let body =
            #"{"message":"key nep/Key-9 of NEP/KEY-9xnep/key-9","operatorid":"1nep/key-9","ackno":"nep/key-92","refid":"tok-en.1","data":{}}"#
        let facts = Self.read(body, masking: "nep/key-9", "tok-en.1")
        #expect(facts.message == "key <redacted> of <redacted>x<redacted>")
        #expect(facts.operatorID == "1<redacted>")
        #expect(facts.acknowledgement == "<redacted>2")
        #expect(facts.reference == "<redacted>")
        #expect(Self.read(#"{"message":"nep\/k\u0065y-9"}"#, masking: "nep/key-9").message == "<redacted>")
    }

    @Test("contain no part of a secret where they are cut; the longer of two secrets is masked first")
    func partsOfSecretsAreMasked() {
        let text = String(repeating: "x", count: 990) + "nep-key-of-ours"
        #expect(
            Self.read(#"{"message":"\#(text)"}"#, masking: "nep-key-of-ours").message == String(repeating: "x", count: 990) + "<redacted>")
        #expect(Self.read(#"{"message":"secret-two"}"#, masking: "secret", "secret-two").message == "<redacted>")
    }

    @Test("keep what is not secret: short texts, and short digits that occur in the numbers of recharges")
    func otherTextsAreKept() {
        let facts = Self.read(#"{"message":"Recharge of 123 is done","ackno":"91234567"}"#, masking: "is", "1234567", "", "don")
        #expect(facts.message == "Recharge of 123 is done")
        #expect(facts.acknowledgement == "91234567")
        #expect(Self.read(#"{"ackno":"912345678"}"#, masking: "12345678").acknowledgement == "9<redacted>")
    }

    @Test("contain no control characters in any member, and are cut to 1,000 characters")
    func controlCharactersAreReplaced() {
        let members = ["message", "operatorid", "ackno", "refid"]
        func values(_ text: String) -> [String?] {
            let facts = Self.read("{" + members.map { #""\#($0)":"\#(text)""# }.joined(separator: ",") + "}")
            return [facts.message, facts.operatorID, facts.acknowledgement, facts.reference]
        }
        let escaped = #"a\u0000\u001b[2Jb\n\t\r\u007f\u0085é"#
        #expect(values(escaped).allSatisfy { $0 == "a\u{FFFD}\u{FFFD}[2Jb   \u{FFFD}\u{FFFD}é" })
        #expect(values(String(repeating: "7", count: 1_200)).allSatisfy { $0 == String(repeating: "7", count: 1_000) })
        let data = #"{"status":true,"data":{"status":"1","operatorid":"1\u0007","message":"do\u0007ne"}}"#
        let answer = ReadAnswer(httpStatus: 200, body: Array(data.utf8)).data
        #expect(answer?.operatorID == "1\u{FFFD}")
        #expect(answer?.message == "do\u{FFFD}ne")
    }

    @Test("contain neither the token, nor the configured key, nor the job's key, nor the client secret")
    func secretsOfACallAreMasked() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("token-\(UUID().uuidString)")
        try "bearer-token-1".write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try await ScriptedServer.start { _, _ in
            let message = "Application is under process, bearer-token-1 configured-key jobs-own-key"
            return .write(ScriptedServer.answer("200 OK", body: #"{"status":true,"response_code":1,"message":"\#(message)"}"#))
        }
        try await withClient(
            server.address,
            configure: {
                $0.credentials = .file(path: file.path)
                $0.pan.nepKey = Secret("configured-key")
            }
        ) { client in
            guard case .answered(let answer) = await client.panStatus(PANStatusQuery(reference: "a", nepKey: "jobs-own-key")) else {
                return _ = Issue.record("no answer")
            }
            #expect(answer.facts.message == "Application is under process, <redacted> <redacted> <redacted>")
            guard case .answered(let recharge) = await client.recharge(.sample()) else { return _ = Issue.record("no answer") }
            #expect(recharge.facts.message == "Application is under process, <redacted> <redacted> jobs-own-key")
        }
        try await server.stop()
        var configuration = BOSConfiguration()
        configuration.credentials = .authorise(.init(url: "http://localhost", clientID: "client", clientSecret: Secret("open sesame")))
        #expect(configuration.mask.masked("it was open sesame") == "it was <redacted>")
    }

    @Test("leave our own reference whole where a secret is a part of it, so that the answer is known to be this recharge's")
    func ownReference() {
        let body = #"{"status":true,"response_code":1,"message":"done","refid":"nepx-000123"}"#
        let read = ReadAnswer(httpStatus: 200, body: Array(body.utf8), mask: SecretMask([Secret("NEPX")]))
        let classifier = AnswerClassifier(configuration: BOSConfiguration())
        for (reference, expected) in [("nepx-000123", "nepx-000123"), ("r1", "<redacted>-000123")] {
            guard case .answered(let answer) = classifier.recharge(read, to: .sample(reference), version: CredentialVersion(0)) else {
                Issue.record("no answer")
                continue
            }
            #expect(answer.facts.reference == expected)
        }
    }
}
