/// How the process stops. Section `shutdown`.
package struct ShutdownSettings: Sendable {
    /// How long jobs in flight may take to finish after `SIGTERM`. systemd's `TimeoutStopSec=` must be longer.
    package var drainTimeout = Duration.seconds(25)

    package init() {}
}
