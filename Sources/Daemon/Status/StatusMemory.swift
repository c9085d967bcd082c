import JobModel
import Observability

/// What the process remembers of its own work, for the status page.
struct StatusMemory: Sendable {
    /// The metrics of the process.
    let registry: PrometheusRegistry
    let history: StatusHistory
    /// The last notable events of the log.
    let events: RecentEvents
    let startedAt: Timestamp

    init(registry: PrometheusRegistry, events: RecentEvents, startedAt: Timestamp) {
        self.registry = registry
        self.events = events
        self.startedAt = startedAt
        history = StatusHistory(registry: registry)
    }
}
