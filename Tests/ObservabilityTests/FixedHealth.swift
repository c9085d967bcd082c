import Observability
import Synchronization

/// A health source whose answers a test sets.
final class FixedHealth: HealthSource {
    private let live = Mutex<[HealthProblem]>([])
    private let ready = Mutex<[HealthProblem]>([])

    func setLiveness(_ problems: [HealthProblem]) { live.withLock { $0 = problems } }
    func setReadiness(_ problems: [HealthProblem]) { ready.withLock { $0 = problems } }

    func liveness() -> [HealthProblem] { live.withLock { $0 } }
    func readiness() async -> [HealthProblem] { ready.withLock { $0 } }
    func status() async -> [UInt8] { Array(#"{"version":"1"}"#.utf8) }
}
