import AMQP
import JobModel
import Ledger
import Testing

@testable import JobEngine

@Suite("One bad item costs itself only", .timeLimit(.minutes(1)))
struct OneBadItemTests {
    @Test("a recharge that BOS refuses for its own credentials waits alone, ends after five refusals, and stops no other")
    func ownCredentials() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.credentialsRefused)]
        let workshop = Workshop(script)
        workshop.bos.play(ScriptedBOS.Script())
        #expect(await workshop.handle(Workshop.recharge("good-0")) == .ack)
        for round in 1...5 {
            workshop.bos.play(script)
            let bad = await workshop.handle(Workshop.recharge("bad"))
            #expect(bad == .ack)
            #expect(workshop.gate.isOpen)
            workshop.bos.play(ScriptedBOS.Script())
            #expect(await workshop.handle(Workshop.recharge("good-\(round)")) == .ack)
            workshop.clock.advance(by: .seconds(600))
        }
        let replies = workshop.replies.map { ($0.text("reference"), $0.text("outcome")) }
        #expect(replies.filter { $0.1 == "succeeded" }.count == 6)
        #expect(replies.filter { $0.0 == "bad" }.map(\.1) == ["failed"])
        let record = try #require(try await workshop.record("bad"))
        #expect(record.progress.state == .failed)
        #expect(record.progress.attempts == 0)
    }

    @Test("no recharge ends while BOS refuses the credentials of every recharge, though it takes those of enquiries")
    func allRecharges() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.notTaken(.credentialsRefused)]
        let workshop = Workshop()
        #expect(await workshop.handle(Workshop.recharge("good")) == .ack)
        workshop.bos.play(script)
        for _ in 0..<9 {
            for number in 1...2 { #expect(await workshop.handle(Workshop.recharge("R\(number)")) == .ack) }
            workshop.clock.advance(by: .seconds(600))
        }
        #expect(workshop.replies.count == 1)
        for number in 1...2 { #expect(try await workshop.record("R\(number)")?.progress.state == .accepted) }
    }

    @Test("a PAN application that BOS refuses for its own credentials stops neither lane")
    func ownCredentialsOfPAN() async throws {
        var script = ScriptedBOS.Script()
        script.panAnswers = [.unanswered(.credentialsRefused, retryAfter: nil)]
        let workshop = Workshop(script)
        #expect(await workshop.handle("{\"refid\":\"P1\"}", kind: "pan.status") == .ack)
        #expect(workshop.lanes.questions.gate.isOpen)
        #expect(workshop.gate.isOpen)
        #expect(try await workshop.record("P1", .panStatus)?.progress.state == .accepted)
    }

    @Test("a doubt whose own credentials are refused stays a doubt, and stops neither lane")
    func ownCredentialsOfDoubt() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.unanswered(.credentialsRefused, retryAfter: nil)]
        let workshop = Workshop(script)
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.lanes.questions.gate.isOpen)
        #expect(try await workshop.record()?.progress.state == .inDoubt)
    }

    @Test("copies of a job that is being run take no place from other jobs")
    func copies() async {
        let workshop = Workshop(lane: Lane.Configuration(concurrency: 2))
        var script = ScriptedBOS.Script()
        script.duringRecharge = { recharge in
            guard recharge.reference == "R1" else { return }
            for number in 0..<8 {
                #expect(await workshop.handle(Workshop.recharge("R1"), correlation: "copy-\(number)") == .ack)
            }
            #expect(await workshop.handle(Workshop.recharge("R2")) == .ack)
        }
        workshop.bos.play(script)
        #expect(await workshop.handle(Workshop.recharge("R1")) == .ack)
        #expect(workshop.bos.calls.recharges == ["R1", "R2"])
        #expect(workshop.replies.count == 10)
    }

    @Test("a copy for another asker that joins a run of a doubt is told at once that it is in doubt, though the run tells nothing new")
    func copyOfDoubt() async throws {
        var script = ScriptedBOS.Script()
        script.recharges = [.unknown(nil)]
        script.enquiries = [.found(.pending, ScriptedBOS.answer)]
        let workshop = Workshop(script)
        #expect(await workshop.handle(Workshop.recharge(), correlation: "first") == .ack)
        script.duringEnquiry = { _ in
            guard workshop.replies.count == 1 else { return }
            #expect(await workshop.handle(Workshop.recharge(), correlation: "second") == .ack)
            #expect(workshop.replies.map { $0.text("outcome") } == ["in_doubt", "in_doubt"])
        }
        workshop.bos.play(script)
        workshop.clock.advance(by: .seconds(3_600))
        #expect(try await workshop.poll() == [.ack])
        #expect(workshop.broker.publications.map(\.message.properties.correlationID) == ["first", "second"])
        script.enquiries = [.found(.succeeded, ScriptedBOS.answer)]
        workshop.bos.play(script)
        workshop.clock.advance(by: .seconds(3_600))
        #expect(try await workshop.poll() == [.ack])
        #expect(workshop.replies.map { $0.text("outcome") } == ["in_doubt", "in_doubt", "succeeded", "succeeded"])
    }

    @Test("a recharge whose deadline passes while its claim is stored is not sent")
    func lateByDeadline() async throws {
        let workshop = Workshop()
        let deadline = (workshop.clock.now() + .seconds(1)).rfc3339
        workshop.ledger.beforeClaim { workshop.clock.advance(by: .seconds(5)) }
        await workshop.handle(Workshop.recharge(expiresAt: deadline))
        #expect(workshop.bos.calls.recharges.isEmpty)
        workshop.ledger.beforeClaim {}
        workshop.clock.advance(by: .seconds(60))
        await workshop.handle(Workshop.recharge(expiresAt: deadline))
        #expect(workshop.replies.map { $0.text("outcome") } == ["expired"])
        #expect(workshop.bos.calls.recharges.isEmpty)
    }

    @Test("money is not sent when a slow ledger has left too little time for BOS's answer")
    func lateByTime() async throws {
        let workshop = Workshop()
        workshop.ledger.beforeClaim { workshop.clock.advance(by: .seconds(45)) }
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.bos.calls.recharges.isEmpty)
        #expect(try await workshop.record()?.progress.waitReason == .late)
        workshop.ledger.beforeClaim {}
        workshop.clock.advance(by: .seconds(60))
        #expect(await workshop.handle(Workshop.recharge()) == .ack)
        #expect(workshop.bos.calls.recharges == ["R1"])
    }
}
