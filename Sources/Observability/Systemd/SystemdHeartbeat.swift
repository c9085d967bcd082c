import Events
package import Logging
import ServiceLifecycle
import Synchronization

/// Notifies systemd's watchdog while the process makes progress, and updates the line of `systemctl status`.
///
/// While `liveness()` reports a problem, the watchdog gets no notification. After `WatchdogSec=` systemd restarts the process. Put this
/// service first, so that it still beats while the other services drain.
package final class SystemdHeartbeat: Service {
    /// The greatest age of the line of `systemctl status`.
    private static let freshness = Duration.seconds(5)

    private let notifier: SystemdNotifier
    private let health: any HealthSource
    private let statusLine: @Sendable () -> String?
    private let logger: Logger
    private let wasLive = Mutex(true)

    /// - Parameter statusLine: the state of the program in a few words. With `nil` the line stays as it is. The call must not block.
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
        // At least three beats within the time-out, so that one late beat is harmless.
        let interval = min(notifier.watchdogTimeout.map { $0 / 3 } ?? Self.freshness, Self.freshness)
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.beat()
                try? await Task.sleep(for: interval)
            }
        }
    }

    /// One beat: sends the status line, and notifies the watchdog if the process is live.
    package func beat() async {
        let problems = health.liveness()
        logChange(problems)
        if let line = statusLine() { await notifier.status(line) }
        if problems.isEmpty { await notifier.watchdog() }
    }

    /// Logs when the process stops making progress, and when it makes progress again.
    private func logChange(_ problems: [HealthProblem]) {
        let before = wasLive.withLock { wasLive in
            defer { wasLive = problems.isEmpty }
            return wasLive
        }
        if before, let first = problems.first {
            logger.log(.watchdogStarved, metadata: ["check": "\(first.check)", "detail": "\(first.detail)"])
        } else if !before, problems.isEmpty {
            logger.log(.watchdogFed)
        }
    }
}
