import Observability

/// What a daemon says of itself: to probes, to people and to systemd.
protocol DaemonHealth: HealthSource {
    /// One line for `systemctl status`.
    var statusLine: String { get }
}
