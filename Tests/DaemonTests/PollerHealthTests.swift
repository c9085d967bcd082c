import AMQP
import JobEngine
import JobModel
import Logging
import Observability
import Testing

@testable import Daemon

@Suite("The poller's health", .timeLimit(.minutes(1)))
struct PollerHealthTests {
    @Test("a poller with a long interval is live between its rounds, and not live once a round is missing")
    func longInterval() throws {
        let connection = try Connection(
            configuration: AMQPConfiguration(urls: []), role: "test", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let progress = PollerProgress()
        func problems(_ age: Duration) -> [String] {
            progress.update { $0.lastRound = .now - age }
            return PollerHealth(
                connection: connection, progress: progress, interval: .seconds(600), topology: Topology(),
                memory: StatusMemory(registry: PrometheusRegistry(), events: RecentEvents(), startedAt: Timestamp(milliseconds: 0)),
                clock: SystemClock()
            ).liveness().map(\.check)
        }
        #expect(!problems(.seconds(700)).contains("progress"))
        #expect(problems(.seconds(721)).contains("progress"))
    }
}
