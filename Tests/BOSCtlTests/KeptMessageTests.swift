import AMQP
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("Dead letters", .timeLimit(.minutes(1)))
struct KeptMessageTests {
    private static let body = #"{"operator":311,"canumber":"DL12CB4685","amount":10,"referenceid":"r-1","RegisterID":"1234"}"#

    private static func letter(
        _ body: String = body, key: String = "recharge", headers: [String: FieldValue] = [:], type: String? = nil
    ) -> KeptMessage {
        var message = Message(body: Array(body.utf8))
        message.properties.type = type
        message.properties.headers = headers
        if headers["x-bos-reason"] == nil, headers["x-death"] == nil {
            message.properties.headers["x-death"] = .array([death("expired", key: key)])
        }
        return KeptMessage(message, queue: "bos.dead", exchange: "bos.dead", routingKey: key)
    }

    private static func death(_ reason: String, key: String = "recharge") -> FieldValue {
        .table([
            "reason": .string(reason), "exchange": .string("bos.jobs"), "routing-keys": .array([.string(key)]),
            "time": .timestamp(1_700_000_000),
        ])
    }

    private static func refused(_ reason: String = "invalid_job", key: String = "recharge") -> [String: FieldValue] {
        [
            "x-bos-reason": .string(reason), "x-bos-original-routing-key": .string(key), "x-bos-original-exchange": .string("bos.jobs"),
            "x-bos-failed-at": .string("2026-11-21T09:00:00.000Z"), "x-bos-detail": .string("amount is missing"),
        ]
    }

    @Test("the headers of worker and broker say why a letter is dead, when, and where it was published")
    func readsHeaders() {
        let causes: [(String, DeadLetterCause)] = [
            ("rejected", .rejected), ("delivery_limit", .deliveryLimit), ("expired", .expired), ("maxlen", .queueFull), ("other", .unknown),
        ]
        for (reason, cause) in causes {
            let letter = Self.letter(headers: ["x-death": .array([Self.death(reason), Self.death("rejected")])])
            #expect(letter.cause == cause)
            #expect(letter.origin == .init(exchange: "bos.jobs", routingKey: "recharge"))
            #expect(letter.failedAt == Timestamp(milliseconds: 1_700_000_000_000))
            #expect(letter.detail == nil)
        }
        for reason in DeadLetterReason.allCases {
            // The worker's own word counts, even if the broker had moved the message before.
            let headers = Self.refused(reason.rawValue).merging(["x-death": .array([Self.death("expired", key: "old")])]) { $1 }
            let letter = Self.letter(headers: headers)
            #expect(letter.cause == .refused(reason))
            #expect(letter.origin?.routingKey == "recharge")
            #expect(letter.failedAt?.rfc3339 == "2026-11-21T09:00:00.000Z")
            #expect(letter.detail == "amount is missing")
        }
    }

    @Test("a letter keeps its id when it comes back, and another body or name has another id")
    func idIsStable() {
        let letter = Self.letter()
        #expect(letter.id.count == 12)
        #expect(Self.letter(headers: Self.refused()).id == letter.id)
        #expect(letter.isNamed(letter.id) && letter.isNamed(String(letter.id.prefix(6))) && !letter.isNamed(String(letter.id.prefix(5))))
        let others = [Self.letter(Self.body + " "), Self.letter(key: "pan.status"), Self.letter(type: "recharge")]
        #expect(Set(others.map(\.id) + [letter.id]).count == 4)
    }

    @Test("a message that was put into its queue anew keeps its id and its route")
    func renewedMessage() {
        let reply = KeptMessage(Message(body: [1]), queue: "bos.unrouted", exchange: "bos.replies", routingKey: "shop")
        let renewed = KeptMessage(reply.renewed, queue: "bos.unrouted", exchange: "", routingKey: "bos.unrouted")
        #expect(renewed.exchange == "bos.replies" && renewed.routingKey == "shop" && renewed.id == reply.id)
        let again = KeptMessage(renewed.renewed, queue: "bos.unrouted", exchange: "", routingKey: "bos.unrouted")
        #expect(again.routingKey == "shop" && again.replayed.properties.headers == ["x-bos-replays": .int(1)])
        // Only a message that was published to the queue itself can have been put there anew.
        let forged = KeptMessage(reply.renewed, queue: "bos.unrouted", exchange: "bos.replies", routingKey: "other")
        #expect(forged.routingKey == "other")
    }

    @Test("a replayed job is what its caller published, without what worker and broker have added, and the replays are counted")
    func replayedMessage() {
        var headers = Self.refused()
        for name in ["CC", "x-first-death-queue", "x-delivery-count", "X-Bos-Other"] { headers[name] = .string("added") }
        headers["x-death"] = .array([Self.death("expired")])
        headers["traceparent"] = .string("kept")
        headers["x-bos-replays"] = .int(2)
        let replayed = Self.letter(headers: headers, type: "recharge").replayed
        #expect(replayed.properties.headers == ["traceparent": .string("kept"), "x-bos-replays": .int(3)])
        #expect(replayed.properties.type == "recharge" && replayed.body == Array(Self.body.utf8))
    }

    // MARK: Whether it may be replayed

    private func check(
        _ letter: KeptMessage, in ledger: any Ledger = MemoryLedger(), isAfterRefusal: Bool = false
    ) async throws -> ReplayCheck {
        var rules = JobRules()
        rules.registerID = "1234"
        return try await ReplayCheck(letter, in: ledger, rules: rules, isAfterRefusal: isAfterRefusal)
    }

    @Test("a recharge that the ledger does not know may be replayed after BOS was asked, and a question without BOS")
    func mayBeReplayed() async throws {
        let recharge = try await check(Self.letter())
        #expect(recharge.obstacle == nil && recharge.asksBOS && recharge.routingKey == "recharge")
        let question = try await check(Self.letter(#"{"referenceid":"r-1"}"#, key: "recharge.status"))
        #expect(question.obstacle == nil && !question.asksBOS && question.kind == .rechargeStatus)
        // Published to the queue itself, by a key that no queue is bound with.
        let direct = try await check(Self.letter(key: "bos.recharge"))
        #expect(direct.obstacle == nil && direct.asksBOS && direct.routingKey == "recharge")
    }

    @Test("what the worker would refuse again, or may have refused to its caller, is not replayed")
    func isNotReplayed() async throws {
        for body in ["", "[]", "{\"canumber\"", #"{"operator":311}"#, #"{"canumber":"DL12CB4685","amount":10,"operator":311}"#] {
            let obstacle = try await check(Self.letter(body), isAfterRefusal: true).obstacle
            guard case .notAJob? = obstacle else {
                Issue.record("\(body): \(String(describing: obstacle))")
                continue
            }
        }
        #expect(try await check(Self.letter(headers: Self.refused())).obstacle == .wasRefused)
        #expect(try await check(Self.letter(headers: ["x-death": .array([Self.death("rejected")])])).obstacle == .wasRefused)
        #expect(try await check(Self.letter(headers: Self.refused()), isAfterRefusal: true).obstacle == nil)
        let refusedQuestion = Self.letter(#"{"refid":"p-1"}"#, headers: Self.refused(key: "pan.status"))
        #expect(try await check(refusedQuestion).obstacle == nil)
        var resumed = Self.refused()
        resumed["x-bos-resume"] = .string("now")
        #expect(try await check(Self.letter(headers: resumed), isAfterRefusal: true).obstacle == .ofAnotherLedger)
    }

    @Test("a recharge that the ledger has is not replayed, whatever its letter looks like", arguments: [JobState.succeeded, .inDoubt])
    func ledgerHasIt(state: JobState) async throws {
        let ledger = MemoryLedger()
        var progress = Progress()
        progress.state = state
        let recharge = Recharge(
            operatorID: 311, subscriber: "DL12CB4685", amount: Money(paise: 1_000), reference: "r-1", registerID: "1234")
        _ = try await ledger.claim(
            Claim(
                job: .recharge(recharge), fingerprint: [1], recipient: Sample.recipient("r-1"), owner: "w", now: Sample.start,
                progress: progress,
                entry: HistoryEntry(at: Sample.start, .accepted)))
        // The second body is of no kind, and could be the recharge. The third one cannot be a job.
        for body in [Self.body, #"{"referenceid":"r-1"}"#, #"{"referenceid":"r-1","amount":"x","canumber":"DL12CB4685"}"#] {
            let key = body == Self.body ? "recharge" : "unknown"
            let check = try await check(Self.letter(body, key: key), in: ledger, isAfterRefusal: true)
            guard check.kind != .rechargeStatus else {
                #expect(check.obstacle == nil && !check.asksBOS)
                continue
            }
            #expect(check.record?.progress.state == state)
            switch check.obstacle {
            case .ended(state, _): #expect(state.isFinal)
            case .unfinished(state): #expect(!state.isFinal)
            default: Issue.record("\(body): \(String(describing: check.obstacle))")
            }
        }
    }

    // MARK: What is shown

    @Test("the list and a letter fit 100 columns, and show no subscriber number")
    func fitsTerminal() async throws {
        let long = #"{"operator":311,"canumber":"DL12CB4685","amount":10,"referenceid":"\#(String(repeating: "r", count: 64))"}"#
        var letters = [
            Self.letter(long), Self.letter(headers: Self.refused("unknown_kind")), Self.letter("DL12CB4685", key: "recharge.status"),
        ]
        letters.append(Self.letter(headers: ["x-death": .array([Self.death("delivery_limit")])]))
        var entries: [DeadLetterEntry] = []
        let now = Timestamp(milliseconds: 1_790_000_000_000)
        for letter in letters {
            let check = try await check(letter)
            entries.append(DeadLetterEntry(letter, check: check))
            let report = DeadLetterReport(letter: letter, check: check, now: now)
            #expect(report.lines.allSatisfy { $0.count <= 100 }, "\(report.lines)")
            #expect(!(report.lines.joined() + "\(report.json)").contains("DL12CB4685"))
        }
        let list = DeadLetterList(entries, of: 9, queue: "bos.dead", now: now)
        #expect(list.lines.count == 6)
        #expect(list.lines.dropLast().allSatisfy { $0.count <= 100 }, "\(list.lines)")
        #expect(list.lines.last == "9 in bos.dead, 4 of them shown (--limit); bosctl dead show ID says more")
        #expect(DeadLetterList([], of: 0, queue: "bos.dead", now: now).lines == ["No message lies in bos.dead."])
    }

    @Test("a text is wrapped at spaces, and a long word within")
    func wraps() {
        #expect("one two three".wrapped(to: 7) == ["one two", "three"])
        #expect("abcdefgh".wrapped(to: 3) == ["abc", "def", "gh"])
        #expect("".wrapped(to: 3) == [""])
        #expect("abc".shortened(to: 3) == "abc" && "abcd".shortened(to: 3) == "ab…")
    }
}
