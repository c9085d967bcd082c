import CSystemd
import Glibc
import NIOPosix

/// Notifies systemd of the state of the service (`sd_notify(3)`). It does nothing if systemd did not start the process.
///
/// The call blocks while systemd's socket is full, so it runs on NIO's threads for blocking calls.
package struct SystemdNotifier: Sendable {
    /// Whether systemd expects notifications: `NOTIFY_SOCKET` is set.
    package let isEnabled: Bool
    /// The longest time between two notifications of the watchdog (`WatchdogSec=`). `nil` if the watchdog is off. Source:
    /// `sd_watchdog_enabled(3)`.
    package let watchdogTimeout: Duration?

    /// Reads the environment variables that systemd sets.
    package init() {
        isEnabled = getenv("NOTIFY_SOCKET") != nil
        var microseconds: UInt64 = 0
        watchdogTimeout = sd_watchdog_enabled(0, &microseconds) > 0 ? .microseconds(Int64(clamping: microseconds)) : nil
    }

    /// Reports that the service is ready (`Type=notify`).
    /// - Parameter line: the status line, as for `status(_:)`. Otherwise the old line would stay until the next heartbeat.
    package func ready(_ line: String) async { await notify("READY=1\n" + Self.assignment(line)) }

    /// Reports that the service has begun to stop.
    package func stopping() async { await notify("STOPPING=1") }

    /// Sets the line that `systemctl status` shows.
    package func status(_ line: String) async { await notify(Self.assignment(line)) }

    /// Reports that the process makes progress. systemd kills the process after `watchdogTimeout` without this notification.
    package func watchdog() async { await notify("WATCHDOG=1") }

    /// The status line on one line, because a line break would begin another assignment.
    private static func assignment(_ line: String) -> String { "STATUS=" + line.map { $0.isNewline ? " " : String($0) }.joined() }

    /// Sends a notification. One that cannot be sent is dropped: systemd notices by itself that the process is silent.
    private func notify(_ assignments: String) async {
        guard isEnabled else { return }
        _ = try? await NIOThreadPool.singleton.runIfActive { sd_notify(0, assignments) }
    }
}
