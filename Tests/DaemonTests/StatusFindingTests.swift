import AMQP
import JobEngine
import JobModel
import Ledger
import Logging
import Observability
import Testing

@testable import Daemon

@Suite("The sentence on top of the status page", .timeLimit(.minutes(1)))
struct StatusFindingTests {
    private static let now = SampleStatus.now

    /// The state of a worker with one change.
    private func worker(_ change: (inout StatusSnapshot) throws -> Void) rethrows -> StatusSnapshot {
        var snapshot = SampleStatus.worker()
        try change(&snapshot)
        return snapshot
    }

    /// The state of a connection that has never been established.
    private static func broker(_ role: String) throws -> StatusSnapshot.Broker {
        let connection = try Connection(
            configuration: AMQPConfiguration(urls: []), role: role, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return StatusSnapshot.Broker(role: role, status: connection.status, since: now + .seconds(-120))
    }

    @Test("says that money moves and how fast, or that it can move")
    func good() {
        #expect(SampleStatus.worker().headline.level == .good)
        #expect(SampleStatus.worker().headline.sentence == "Money can move: the worker waits for recharges.")
        let slow = worker { $0.recent.jobsPerSecond[.recharge] = 0.5 }
        #expect(slow.headline.sentence == "Money moves: about 30 recharges a minute are answered.")
        let fast = worker { $0.recent.jobsPerSecond[.recharge] = 412.4 }
        #expect(fast.headline.sentence == "Money moves: about 412 recharges a second are answered.")
        #expect(SampleStatus.worker().findings.isEmpty)
        #expect(SampleStatus.poller().headline.level == .good)
    }

    @Test("says for each reason to pause since when no money moves, what to do, and what the detail is", arguments: PauseReason.allCases)
    func pauses(_ reason: PauseReason) throws {
        let snapshot = worker {
            $0.worker?.lanes[.money]?.pauses[reason] = .init(detail: "HTTP 502 at 3", since: Self.now + .seconds(-300))
        }
        let headline = snapshot.headline
        #expect(headline.sentence.contains("since 08:55:00 UTC (5 min): "))
        #expect(headline.detail == "HTTP 502 at 3")
        #expect(headline.advice.hasSuffix("."))
        switch reason {
        case .postponed, .refusals:
            #expect(headline.level == .attention && headline.sentence.hasPrefix("Recharges are only tried one at a time "))
        case .credentials, .ledger, .bos, .throttled:
            #expect(headline.level == .stopped && headline.sentence.hasPrefix("No money moves "))
        }
    }

    @Test("a pause of the questions alone stops no money, and needs attention")
    func questionsPaused() {
        let snapshot = worker { $0.worker?.lanes[.questions]?.pauses[.bos] = .init(detail: "HTTP 502", since: Self.now) }
        #expect(snapshot.headline.level == .attention)
        #expect(snapshot.headline.sentence.hasPrefix("Doubts and questions wait since "))
    }

    @Test("names a connection to the broker that is missing, since when, in worker and poller")
    func brokerAway() throws {
        let away = try worker {
            $0.connections = [try Self.broker("consume"), try Self.broker("publish")]
            $0.problems = [HealthProblem(check: "consuming", detail: "bos.recharge is not being consumed")]
        }
        #expect(away.findings.map(\.section) == [.brokerAway, .brokerAway])
        #expect(away.headline.sentence == "No money moves: no connection to the broker (consume) since 08:58:00 UTC (2 min).")
        var poller = SampleStatus.poller()
        poller.connections = [try Self.broker("publish")]
        poller.poller?.trouble = "the broker does not report the length of its queues"
        #expect(poller.findings.count == 1)
        #expect(poller.headline.sentence.hasPrefix("No waiting job goes on: no connection to the broker (publish) since "))
    }

    @Test("the poller's trouble stops waiting jobs")
    func pollerTrouble() {
        var snapshot = SampleStatus.poller()
        snapshot.poller?.trouble = "the ledger is locked"
        #expect(snapshot.headline.level == .stopped)
        #expect(snapshot.headline.detail == "the ledger is locked")
    }

    @Test("names what readiness names and no pause explains: a queue that is not consumed, the topology, the token, the ledger")
    func readiness() {
        func first(_ check: String) -> StatusFinding? {
            worker { $0.problems = [HealthProblem(check: check, detail: "d")] }.findings.first
        }
        #expect(first("consuming")?.section == .notConsuming)
        #expect(first("consuming")?.level == .stopped)
        #expect(first("topology")?.section == .watches)
        #expect(first("token")?.level == .stopped)
        #expect(worker { $0.sample.ledgerProblem = "disk full" }.headline.detail == "disk full")
        let explained = worker {
            $0.problems = [HealthProblem(check: "token", detail: "d"), HealthProblem(check: "consuming", detail: "d")]
            $0.sample.ledgerProblem = "disk full"
            for reason in [PauseReason.credentials, .ledger] {
                $0.worker?.lanes[.money]?.pauses[reason] = .init(detail: "p", since: Self.now)
            }
        }
        #expect(explained.findings.count == 2)
    }

    @Test("names what waits for a person and what is left behind, after what stops money")
    func attention() {
        let snapshot = worker {
            $0.sample.summary.stored = [
                .init(.recharge, in: .parked): 1, .init(.recharge, in: .held): 1, .init(.recharge, in: .inDoubt): 2,
            ]
            $0.sample.summary.doubtAmount = Money(paise: 30_050)
            $0.sample.summary.oldestDoubt = Self.now + .seconds(-7_260)
            $0.sample.summary.oldestDue = Self.now + .seconds(-180)
            $0.sample.summary.unpublishedReplies = 1
            $0.sample.owedSince = Self.now + .seconds(-150)
            $0.worker?.enquiryProblems = ["a", "b"]
            $0.queues[2].ready = 1
            $0.queues[3].ready = 2
            $0.worker?.lanes[.money]?.pauses[.bos] = .init(detail: "d", since: Self.now)
        }
        #expect(
            snapshot.findings.map(\.sentence).dropFirst() == [
                "2 recharges wait for a person's decision.",
                "3 recharges are in doubt (₹ 300.50), the oldest for 2 h 1 min.",
                "A job that waits in the ledger is overdue by 3 min.",
                "1 reply is owed, the oldest for 2 min.",
                "BOS's enquiry cannot be relied on: \"not found\" resolves no doubt.",
                "1 message in bos.dead could not be understood.",
                "2 replies in bos.unrouted had no queue bound for them.",
            ])
        #expect(snapshot.headline.section == .leftAlone)
        #expect(Set(snapshot.findings.dropFirst().map(\.level)) == [.attention])
    }

    @Test("what is young is no finding: a doubt of this hour, a reply of this minute, a job that is just due")
    func young() {
        let snapshot = worker {
            $0.sample.summary.stored = [.init(.recharge, in: .inDoubt): 2]
            $0.sample.summary.oldestDoubt = Self.now + .seconds(-3_600)
            $0.sample.summary.oldestDue = Self.now + .seconds(-120)
            $0.sample.owedSince = Self.now + .seconds(-120)
        }
        #expect(snapshot.findings == [])
    }

    @Test("a worker that stops says for how many calls it waits, and how long at most")
    func stopping() {
        let snapshot = worker {
            $0.worker?.isStopping = true
            $0.worker?.drain = .init(calls: 3, timeout: .seconds(25))
        }
        #expect(snapshot.headline.sentence == "The worker is stopping: it takes no new job, and waits for 3 calls to BOS.")
        #expect(snapshot.headline.advice.hasPrefix("Wait 25 s at most"))
    }

    @Test("says why a queue holds messages: no consumer, a pause, the rate limit, slow BOS, or more jobs than usual")
    func explanations() {
        func why(_ change: (inout StatusSnapshot) -> Void) -> String? {
            let snapshot = worker {
                $0.queues[0].ready = 50
                change(&$0)
            }
            return snapshot.explanation(of: snapshot.queues[0])
        }
        let calls = Distribution(bounds: [1, 2], counts: [0, 100, 0])
        #expect(why { $0.queues[0].ready = 0 } == nil)
        #expect(why { $0.queues[0].consumers = 0 } == "no worker consumes it")
        #expect(
            why { $0.worker?.lanes[.money]?.pauses[.bos] = .init(detail: "HTTP 502", since: Self.now) }
                == "paused since 09:00:00 UTC (bos): HTTP 502")
        #expect(
            why {
                $0.worker?.waitingForRate = 3
                $0.worker?.ratePerSecond = 10
            } == "api.ratePerSecond (10 a second) is used up: 3 calls wait")
        #expect(
            why {
                $0.worker?.lanes[.money]?.running = 8
                $0.recent.totals.callSeconds[.recharge] = calls
            } == "all 8 slots are in use, and 99 of 100 calls to BOS end within 1.9 s: more jobs come than BOS answers")
        #expect(why { $0.queues[0].growthPerMinute = 5 } == "more jobs come than are answered")
        #expect(why { $0.queues[0].growthPerMinute = -5 } == "it is being worked off")
        #expect(why { $0.worker?.isStopping = true } == "the worker is stopping")
        var dead = SampleStatus.worker()
        dead.queues[2].ready = 1
        #expect(dead.explanation(of: dead.queues[2]) == nil)
        var poller = SampleStatus.poller()
        (poller.queues[0].ready, poller.queues[0].consumers) = (1, 0)
        #expect(poller.explanation(of: poller.queues[0]) == "no worker consumes it")
    }
}
