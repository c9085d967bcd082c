import CSystemd
import Glibc
import NIOPosix

/// Tells systemd how the service is (`sd_notify(3)`). Does nothing when the process was not started by systemd.
///
/// The call can block while systemd's socket is full, so it runs on NIO's threads for blocking calls.
package struct SystemdNotifier: Sendable {
    /// Whether somebody listens: `NOTIFY_SOCKET` is set.
    package let isEnabled: Bool
    /// How often systemd wants to hear from us at the least (`WatchdogSec=`), or `nil` if it does not. Source: `sd_watchdog_enabled(3)`.
    package let watchdogTimeout: Duration?

    package init() {
        isEnabled = getenv("NOTIFY_SOCKET") != nil
        var microseconds: UInt64 = 0
        watchdogTimeout = sd_watchdog_enabled(0, &microseconds) > 0 ? .microseconds(Int64(clamping: microseconds)) : nil
    }

    /// The service does its work now; for `Type=notify`.
    /// - Parameter line: as for `status(_:)`, so that the line does not say otherwise until the next heartbeat.
    package func ready(_ line: String) async { await notify("READY=1\n" + Self.assignment(line)) }

    /// The service has begun to stop.
    package func stopping() async { await notify("STOPPING=1") }

    /// One line for `systemctl status`.
    package func status(_ line: String) async { await notify(Self.assignment(line)) }

    /// The process makes progress; systemd kills it when this stays away for `watchdogTimeout`.
    package func watchdog() async { await notify("WATCHDOG=1") }

    /// A line break would begin another assignment.
    private static func assignment(_ line: String) -> String { "STATUS=" + line.map { $0.isNewline ? " " : String($0) }.joined() }

    /// A message that cannot be sent is dropped: systemd notices the silence by itself.
    private func notify(_ assignments: String) async {
        guard isEnabled else { return }
        _ = try? await NIOThreadPool.singleton.runIfActive { sd_notify(0, assignments) }
    }
}
