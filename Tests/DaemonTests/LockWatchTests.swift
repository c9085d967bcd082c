import AMQP
import Testing

@testable import Daemon

@Suite("A refusal of the broker's lock or marker", .timeLimit(.minutes(1)))
struct LockWatchTests {
    private static let start = ContinuousClock.now

    /// The queues that these events, given in seconds after the first, turn the worker away for.
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

    @Test("means a second worker once the lock was held by another connection for three heartbeats")
    func secondWorker() async {
        let held = ConnectionEvent.setupFailed(.locked(name: "lock"))
        #expect(await refusals([(0, held), (29, held)]) == [])
        #expect(await refusals([(0, held), (29, held), (30, held)]) == ["lock"])
    }

    @Test("is borne for as long as it takes by a worker that has held the lock before")
    func formerConnection() async {
        let held = ConnectionEvent.setupFailed(.locked(name: "lock"))
        let connected = ConnectionEvent.connected(url: "amqp://guest@127.0.0.1/%2f", serverVersion: "3.10.8")
        #expect(await refusals([(0, held), (5, connected), (10, held), (500, held)]) == [])
    }

    @Test("that names another ledger is final at once, but not for a worker that was let in before")
    func anotherLedger() async {
        let marked = ConnectionEvent.setupFailed(.markedOtherwise(queue: "marker", text: "received 'a' but current is 'b'"))
        let connected = ConnectionEvent.connected(url: "amqp://guest@127.0.0.1/%2f", serverVersion: "3.10.8")
        #expect(await refusals([(0, marked)]) == ["marker"])
        #expect(await refusals([(0, connected), (1, marked), (500, marked)]) == [])
    }

    @Test("is not what other failures mean, however long they last")
    func otherFailures() async {
        #expect(await refusals([(0, .setupFailed(.heartbeatLost)), (500, .setupFailed(.heartbeatLost))]) == [])
    }
}
