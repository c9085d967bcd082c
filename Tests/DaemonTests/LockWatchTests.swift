import AMQP
import Testing

@testable import Daemon

@Suite("A lock that another connection holds", .timeLimit(.minutes(1)))
struct LockWatchTests {
    private static let start = ContinuousClock.now

    /// The queues of the refusals that these events, given in seconds after the first, lead to.
    private func refusals(_ events: [(after: Int, ConnectionEvent)]) async -> [String] {
        let watch = LockWatch(heartbeat: .seconds(10))
        for (seconds, event) in events { watch.note(event, at: Self.start + .seconds(seconds)) }
        watch.finish()
        var queues: [String] = []
        for await queue in watch.refusals { queues.append(queue) }
        return queues
    }

    @Test("means a second worker after three heartbeats")
    func secondWorker() async {
        let held = ConnectionEvent.setupFailed(.locked(name: "lock"))
        #expect(await refusals([(0, held), (29, held)]) == [])
        #expect(await refusals([(0, held), (29, held), (30, held)]) == ["lock"])
    }

    @Test("is waited for as long as it takes by a worker that has held it before")
    func formerConnection() async {
        let held = ConnectionEvent.setupFailed(.locked(name: "lock"))
        let connected = ConnectionEvent.connected(url: "amqp://guest@127.0.0.1/%2f", serverVersion: "3.10.8")
        #expect(await refusals([(0, held), (5, connected), (10, held), (500, held)]) == [])
    }

    @Test("is not what other failures mean, however long they last")
    func otherFailures() async {
        #expect(await refusals([(0, .setupFailed(.heartbeatLost)), (500, .setupFailed(.heartbeatLost))]) == [])
    }
}
