import AMQP
import Events
import JobEngine
import JobModel
import Ledger
import Observability

@testable import Daemon

/// States of worker and poller for tests.
enum SampleStatus {
    struct Missing: Error {}

    static let now = Timestamp(milliseconds: 1_795_251_600_000)

    /// A worker at rest.
    static func worker() -> StatusSnapshot {
        var snapshot = StatusSnapshot(program: .worker, takenAt: now, startedAt: now + .seconds(-3_600))
        snapshot.queues = [
            .init(name: "bos.recharge", role: .jobs(.money), ready: 0, consumers: 1, growthPerMinute: 0),
            .init(name: "bos.status", role: .jobs(.questions), ready: 0, consumers: 1, growthPerMinute: 0),
            .init(name: "bos.dead", role: .deadLetters, ready: 0, consumers: 0, growthPerMinute: 0),
            .init(name: "bos.unrouted", role: .unroutedReplies, ready: 0, consumers: 0, growthPerMinute: 0),
        ]
        snapshot.sample.ledgerProblem = nil
        var worker = StatusSnapshot.Worker()
        for lane in JobLane.allCases { worker.lanes[lane] = LaneStatus(running: 0, limit: 8, waiting: 0, breaker: .closed) }
        snapshot.worker = worker
        return snapshot
    }

    /// A worker with something in every part of the page.
    static func busyWorker() -> StatusSnapshot {
        var snapshot = worker()
        snapshot.queues[0].ready = 1_204
        snapshot.queues[0].growthPerMinute = 61
        snapshot.curve = (0...240).map { StatusHistory.Depths(at: now + .seconds(15 * ($0 - 240)), ready: ["bos.recharge": $0 * 5]) }
        for kind in JobKind.allCases { snapshot.sample.summary.stored[.init(kind, in: .pending)] = 3 }
        snapshot.sample.summary.stored[.init(.recharge, in: .parked)] = 2
        snapshot.sample.summary.doubtAmount = Money(paise: 40_000)
        snapshot.sample.summary.oldestDoubt = now + .seconds(-7_300)
        snapshot.sample.summary.oldestDue = now + .seconds(30)
        snapshot.sample.summary.unpublishedReplies = 4
        snapshot.sample.owedSince = now + .seconds(-200)
        snapshot.worker?.lanes[.money] = LaneStatus(
            running: 8, limit: 8, waiting: 5, breaker: .open, probeAt: now + .seconds(4), throttledUntil: now + .seconds(30),
            unansweredSince: now + .seconds(-60), pauses: [.bos: .init(detail: "HTTP 502", since: now + .seconds(-50))])
        snapshot.worker?.inFlight = [.recharge: 8]
        snapshot.worker?.enquiryProblems = ["it finds nothing"]
        snapshot.events = [.init(event: .consumptionPaused, first: now.milliseconds, last: now.milliseconds, text: "consumption paused")]
        return snapshot
    }

    /// A poller at rest.
    static func poller() -> StatusSnapshot {
        var snapshot = StatusSnapshot(program: .poller, takenAt: now, startedAt: now + .seconds(-3_600))
        snapshot.queues = Array(worker().queues.prefix(2))
        snapshot.sample.ledgerProblem = nil
        snapshot.poller = StatusSnapshot.PollerPart(lastRound: now, trouble: nil)
        return snapshot
    }
}
