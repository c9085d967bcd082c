import JobEngine
import JobModel
import Observability

/// What the process has counted since its start, read from its metrics at one moment.
struct WorkTotals: Sendable {
    var jobs: [JobKind: [Outcome: Int]] = [:]
    /// From accepting a job to the confirm of its final reply, in seconds.
    var jobSeconds: [JobKind: Distribution] = [:]
    var calls: [BOSMetrics.Endpoint: [BOSMetrics.Result: Int]] = [:]
    /// One call to BOS, in seconds.
    var callSeconds: [BOSMetrics.Endpoint: Distribution] = [:]
    /// Jobs that the poller has put back on their queue.
    var requeued: [JobKind: Int] = [:]

    /// The totals of no work.
    init() {}

    init(_ registry: PrometheusRegistry) {
        for kind in JobKind.allCases {
            let label = ("kind", kind.rawValue)
            for outcome in Outcome.allCases {
                jobs[kind, default: [:]][outcome] = registry.count(.jobs, dimensions: [label, ("outcome", outcome.rawValue)])
            }
            jobSeconds[kind] = registry.distribution(of: .jobDuration, dimensions: [label])
            requeued[kind] = registry.count(.requeued, dimensions: [label])
        }
        for endpoint in BOSMetrics.Endpoint.allCases {
            let label = ("endpoint", endpoint.rawValue)
            for result in BOSMetrics.Result.allCases {
                calls[endpoint, default: [:]][result] = registry.count(.apiRequests, dimensions: [label, ("result", result.rawValue)])
            }
            callSeconds[endpoint] = registry.distribution(of: .apiRequestDuration, dimensions: [label])
        }
    }

    /// What was counted since an earlier reading.
    func since(_ earlier: WorkTotals) -> WorkTotals {
        var difference = self
        difference.jobs.merge(earlier.jobs) { $0.merging($1, uniquingKeysWith: -) }
        difference.calls.merge(earlier.calls) { $0.merging($1, uniquingKeysWith: -) }
        difference.requeued.merge(earlier.requeued, uniquingKeysWith: -)
        difference.jobSeconds.merge(earlier.jobSeconds) { $0.since($1) }
        difference.callSeconds.merge(earlier.callSeconds) { $0.since($1) }
        return difference
    }
}

extension PrometheusRegistry {
    fileprivate func count(_ name: MetricName, dimensions: [(String, String)]) -> Int? {
        value(of: name, dimensions: dimensions).map { Int($0) }
    }
}

/// The work of the last minutes.
struct RecentWork: Sendable {
    /// How long these minutes are; less than ``StatusHistory/span`` just after the start.
    var span = Duration.zero
    var totals = WorkTotals()
    /// Jobs that were answered per second, measured over the last minute.
    var jobsPerSecond: [JobKind: Double] = [:]
}
