import Events
package import Logging
import ServiceLifecycle
import Synchronization

/// Feeds systemd's watchdog while the process makes progress, and keeps the line of `systemctl status` fresh.
///
/// When `liveness()` reports a problem the watchdog goes hungry, and systemd restarts the process in the end. Put it first
/// among the services: it must still beat while the others drain.
package final class SystemdHeartbeat: Service {
    /// How old the line of `systemctl status` may be.
    private static let freshness = Duration.seconds(5)

    private let notifier: SystemdNotifier
    private let health: any HealthSource
    private let statusLine: @Sendable () -> String?
    private let logger: Logger
    private let wasLive = Mutex(true)

    /// - Parameter statusLine: depth, doubts and breaker in a few words; `nil` leaves the line as it is. Must not block.
    package init(
        notifier: SystemdNotifier, health: any HealthSource, logger: Logger, statusLine: @escaping @Sendable () -> String? = { nil }
    ) {
        self.notifier = notifier
        self.health = health
        self.logger = logger
        self.statusLine = statusLine
    }

    package func run() async throws {
        guard notifier.isEnabled else {
            try? await gracefulShutdown()
            return
        }
        // At least three times within the time-out, so that one late beat does no harm.
        let interval = min(notifier.watchdogTimeout.map { $0 / 3 } ?? Self.freshness, Self.freshness)
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.beat()
                try? await Task.sleep(for: interval)
            }
        }
    }

    /// One beat: a status line, and the watchdog fed if the process is live.
    package func beat() async {
        let problems = health.liveness()
        logChange(problems)
        if let line = statusLine() { await notifier.status(line) }
        if problems.isEmpty { await notifier.watchdog() }
    }

    private func logChange(_ problems: [HealthProblem]) {
        let before = wasLive.withLock { wasLive in
            defer { wasLive = problems.isEmpty }
            return wasLive
        }
        if before, let first = problems.first {
            logger.log(.watchdogStarved, ["check": "\(first.check)", "detail": "\(first.detail)"])
        } else if !before, problems.isEmpty {
            logger.log(.watchdogFed)
        }
    }
}
