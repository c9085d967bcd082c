import BOSClient
import Events
import ExactJSON
import JobEngine
import JobModel
import Ledger
import Observability
import Testing

@testable import Daemon

@Suite("The state of a program as a value", .timeLimit(.minutes(1)))
struct StatusSnapshotTests {
    @Test("the members of /api/status that were there before keep their names and meanings")
    func formerMembers() throws {
        var snapshot = SampleStatus.worker()
        snapshot.sample.summary.stored[.init(.recharge, in: .inDoubt)] = 2
        snapshot.sample.summary.doubtAmount = Money(paise: 20_050)
        snapshot.sample.summary.oldestDoubt = SampleStatus.now + .seconds(-60)
        snapshot.sample.summary.unpublishedReplies = 3
        snapshot.worker?.enquiryProblems = ["it finds nothing"]
        snapshot.problems = [HealthProblem(check: "broker", detail: "away")]
        let json = snapshot.json
        #expect(json["program"]?.text == "bos-worker")
        #expect(json["version"]?.text == Version.current)
        #expect(json["ready"] == .bool(false))
        #expect(json["reasons"] == .array([.object([.init("check", .string("broker")), .init("detail", .string("away"))])]))
        #expect(json["queues"]?["bos.recharge"]?["messages"] == .number("0"))
        #expect(json["queues"]?["bos.recharge"]?["consumers"] == .number("1"))
        let job = JSONValue.object([
            .init("kind", .string("recharge")), .init("state", .string("in_doubt")), .init("count", .number("2")),
        ])
        #expect(json["jobs"] == .array([job]))
        #expect(json["doubt_amount_rupees"] == .number("200.50"))
        #expect(json["oldest_doubt_since"]?.text == (SampleStatus.now + .seconds(-60)).rfc3339)
        #expect(json["enquiry_problems"] == .array([.string("it finds nothing")]))
        #expect(json["replies_owed"] == .number("3"))
    }

    @Test("/api/status answers what an operator asks: doubts, pauses since when, token, connections, drain, events")
    func newMembers() throws {
        var snapshot = SampleStatus.worker()
        let since = SampleStatus.now + .seconds(-90)
        snapshot.worker?.lanes[.money] = LaneStatus(
            running: 3, limit: 8, waiting: 2, breaker: .open, probeAt: SampleStatus.now + .seconds(5), unansweredSince: since)
        snapshot.worker?.inFlight = [.recharge: 3]
        snapshot.worker?.token = CredentialState(isUsable: true, expiresAt: 1_795_000_600, problem: nil, renewedAt: 1_795_000_000)
        snapshot.worker?.usesToken = true
        snapshot.worker?.drain = StatusSnapshot.Drain(
            calls: 3, longestCall: .seconds(2), requestTimeout: .seconds(30), timeout: .seconds(25), usualCall: .seconds(4))
        snapshot.events = [.init(event: .brokerLost, first: 0, last: 1_000, count: 2, text: "lost")]
        snapshot.sample.applications = {
            var applications = PendingApplications()
            applications.oldest = since
            return applications
        }()
        let json = snapshot.json
        let money = json["lanes"]?["money"]
        #expect(money?["running"] == .number("3") && money?["limit"] == .number("8") && money?["waiting_for_slot"] == .number("2"))
        #expect(money?["breaker"]?.text == "open" && money?["unanswered_since"]?.text == since.rfc3339)
        #expect(json["bos"]?["unanswered_since"]?.text == since.rfc3339)
        #expect(json["in_flight"]?["recharge"] == .number("3") && json["in_flight"]?["pan.status"] == .number("0"))
        #expect(json["token"]?["expires_at"]?.text == Timestamp(milliseconds: 1_795_000_600_000).rfc3339)
        #expect(json["token"]?["renewed_at"]?.text == Timestamp(milliseconds: 1_795_000_000_000).rfc3339)
        #expect(json["token"]?["refused_at"] == .null)
        #expect(json["drain"]?["expected_seconds"] == .number("4.0") && json["drain"]?["at_most_seconds"] == .number("25.0"))
        #expect(json["pan"]?["oldest_since"]?.text == since.rfc3339)
        guard case .array(let events)? = json["events"], let event = events.first else { throw SampleStatus.Missing() }
        #expect(event["event"]?.text == "broker.lost" && event["count"] == .number("2") && event["text"]?.text == "lost")
        #expect(json["poller"] == nil)
    }

    @Test("the poller's state has what only it knows, and nothing of the worker")
    func poller() {
        let json = SampleStatus.poller().json
        #expect(json["poller"]?["last_round"]?.text == SampleStatus.now.rfc3339)
        #expect(json["lanes"] == nil && json["token"] == nil && json["drain"] == nil)
    }

    @Test("a drain takes as long as usual calls, or until the time-out of a call that takes longer; without a call it takes no time")
    func drain() {
        var drain = StatusSnapshot.Drain(requestTimeout: .seconds(20), timeout: .seconds(25), usualCall: .seconds(2))
        #expect(drain.expected == .zero && drain.atMost == .zero)
        drain.calls = 1
        #expect(drain.expected == .seconds(2) && drain.atMost == .seconds(25))
        drain.longestCall = .seconds(5)
        #expect(drain.expected == .seconds(15))
        drain.usualCall = nil
        #expect(drain.expected == .seconds(20))
    }

    @Test("doubts that are left to a person are doubts too, and a recharge in doubt belongs to the questions")
    func counts() {
        var snapshot = SampleStatus.worker()
        snapshot.sample.summary.stored = [
            .init(.recharge, in: .inDoubt): 1, .init(.recharge, in: .parked): 2, .init(.recharge, in: .held): 4,
            .init(.recharge, in: .accepted): 8, .init(.recharge, in: .succeeded): 16, .init(.panStatus, in: .pending): 32,
        ]
        #expect(snapshot.doubts == 3)
        #expect(snapshot.leftToPerson == 6)
        #expect(snapshot.unfinished(.money) == 8)
        #expect(snapshot.unfinished(.questions) == 33)
    }
}
