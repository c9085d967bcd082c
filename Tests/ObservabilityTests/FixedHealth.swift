import Observability
import Synchronization

/// A health source whose answers a test sets. Its pages are always the same.
final class FixedHealth: HealthSource, PageSource {
    private let live = Mutex<[HealthProblem]>([])
    private let ready = Mutex<[HealthProblem]>([])
    private let hold = Mutex<Hold?>(nil)

    func setLiveness(_ problems: [HealthProblem]) { live.withLock { $0 = problems } }
    func setReadiness(_ problems: [HealthProblem]) { ready.withLock { $0 = problems } }

    /// Holds the next answer about readiness until the test releases it.
    func holdReadiness() -> Hold {
        let next = Hold()
        hold.withLock { $0 = next }
        return next
    }

    func liveness() -> [HealthProblem] { live.withLock { $0 } }
    func readiness() async -> [HealthProblem] {
        await hold.withLock { hold in
            defer { hold = nil }
            return hold
        }?.wait()
        return ready.withLock { $0 }
    }
    func statusPage(isStill: Bool) async -> Page { Page(html: "<p>status", styleHash: "sha256-x", refreshSeconds: isStill ? nil : 10) }
    func runbookPage(_ slug: String) async -> Page? {
        slug == "known" ? Page(html: "<p>runbook", styleHash: "sha256-x", refreshSeconds: nil) : nil
    }
    func status() async -> [UInt8] { Array(#"{"version":"1"}"#.utf8) }

    /// An answer that is held.
    final class Hold: Sendable {
        private let asked = AsyncStream.makeStream(of: Void.self)
        private let released = AsyncStream.makeStream(of: Void.self)

        func waitUntilRequested() async { for await _ in asked.stream { return } }
        func release() { released.continuation.finish() }

        fileprivate func wait() async {
            asked.continuation.yield()
            for await _ in released.stream {}
        }
    }
}
