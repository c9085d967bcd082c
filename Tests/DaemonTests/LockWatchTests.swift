import AMQP
import Testing

@testable import Daemon

@Suite("Refusals of lock and marker", .timeLimit(.minutes(1)))
struct LockWatchTests {
    private static let start = ContinuousClock.now

    /// The queues for which these events end the worker. `after` is in seconds since the start.
    private func refusals(_ events: [(after: Int, ConnectionEvent)]) async -> [String] {
        let watch = LockWatch(heartbeat: .seconds(10))
        for (seconds, event) in events { watch.observe(event, at: Self.start + .seconds(seconds)) }
        watch.finish()
        var queues: [String] = []
        for await refusal in watch.refusals {
            switch refusal {
            case .anotherWorker(let queue), .anotherLedger(let queue, _): queues.append(queue)
            default: Issue.record("\(refusal)")
            }
        }
        return queues
    }

    @Test("a lock that another connection holds for three heartbeats means that another worker runs")
    func secondWorker() async {
        let held = ConnectionEvent.setupFailed(.locked(name: "lock"))
        #expect(await refusals([(0, held), (29, held)]) == [])
        #expect(await refusals([(0, held), (29, held), (30, held)]) == ["lock"])
    }

    @Test("a worker that has held the lock before waits without a limit for its former connection to end")
    func formerConnection() async {
        let held = ConnectionEvent.setupFailed(.locked(name: "lock"))
        let connected = ConnectionEvent.connected(url: "amqp://guest@127.0.0.1/%2f", serverVersion: "3.10.8")
        #expect(await refusals([(0, held), (5, connected), (10, held), (500, held)]) == [])
    }

    @Test("the marker of another ledger is final at once, except for a worker that was accepted before")
    func anotherLedger() async {
        let marked = ConnectionEvent.setupFailed(.markedOtherwise(queue: "marker", text: "received 'a' but current is 'b'"))
        let connected = ConnectionEvent.connected(url: "amqp://guest@127.0.0.1/%2f", serverVersion: "3.10.8")
        #expect(await refusals([(0, marked)]) == ["marker"])
        #expect(await refusals([(0, connected), (1, marked), (500, marked)]) == [])
    }

    @Test("other failures of the session's setup never end the worker")
    func otherFailures() async {
        #expect(await refusals([(0, .setupFailed(.heartbeatLost)), (500, .setupFailed(.heartbeatLost))]) == [])
    }
}
