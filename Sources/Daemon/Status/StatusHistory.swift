import JobModel
import Observability
private import Synchronization

/// The last minutes of the process's work, and the last hour of its queues. All of it has a fixed size.
final class StatusHistory: Sendable {
    /// The time that ``recentWork`` covers.
    static let span = Duration.seconds(300)
    /// The pause between two points of a curve. 240 of them make an hour.
    static let curveInterval = Duration.seconds(15)
    private static let curvePoints = 240
    /// The time over which rates are measured.
    private static let rateSpan = Duration.seconds(60)
    /// A rate over less time than this would jump.
    private static let shortestRateSpan = Duration.seconds(10)

    /// The depth of each queue at one moment. A queue that could not be read is left out.
    struct Depths: Sendable {
        var at: Timestamp
        var ready: [String: Int]
    }

    /// One reading of all counters.
    private struct Reading: Sendable {
        var uptime: Duration
        var totals: WorkTotals
        var ready: [String: Int]
    }

    private struct State {
        var readings = Ring<Reading>(capacity: Int(StatusHistory.span / Sampler.interval) + 1)
        var curve = Ring<Depths>(capacity: StatusHistory.curvePoints)
        /// When the last point of the curve was made, in uptime.
        var lastPoint: Duration?
    }

    private let registry: PrometheusRegistry
    private let state = Mutex(State())

    /// - Parameter registry: the metrics of the process.
    init(registry: PrometheusRegistry) { self.registry = registry }

    /// Takes in a sample.
    /// - Parameters:
    ///   - now: wall-clock time.
    ///   - uptime: of the monotonic clock.
    func record(_ queues: [Sampler.Queue], at now: Timestamp, uptime: Duration) {
        let ready = Dictionary(queues.map { ($0.name, $0.messages) }) { $1 }
        let reading = Reading(uptime: uptime, totals: WorkTotals(registry), ready: ready)
        state.withLock { state in
            state.readings.append(reading)
            // The samples are five seconds apart and a little more, so half a sample is allowed for.
            if let last = state.lastPoint, uptime - last < Self.curveInterval - Sampler.interval / 2 { return }
            state.lastPoint = uptime
            state.curve.append(Depths(at: now, ready: ready))
        }
    }

    /// The depths of the last hour, the oldest first.
    var curve: [Depths] { state.withLock { $0.curve.elements } }

    /// The work of the last minutes.
    var recentWork: RecentWork {
        let readings = state.withLock { $0.readings.elements }
        guard let first = readings.first, let last = readings.last else { return RecentWork() }
        var work = RecentWork(span: last.uptime - first.uptime, totals: last.totals.since(first.totals))
        guard let before = Self.rateStart(in: readings) else { return work }
        let seconds = (last.uptime - before.uptime) / .seconds(1)
        let jobs = last.totals.since(before.totals).jobs
        work.jobsPerSecond = jobs.mapValues { Double($0.values.reduce(0, +)) / seconds }
        return work
    }

    /// By how many messages per minute each queue has grown (or shrunk, if negative) over the last minute. A queue that could not be read
    /// is left out.
    var growthPerMinute: [String: Double] {
        let readings = state.withLock { $0.readings.elements }
        guard let last = readings.last, let before = Self.rateStart(in: readings) else { return [:] }
        let minutes = (last.uptime - before.uptime) / .seconds(60)
        return last.ready.reduce(into: [:]) { growth, queue in
            if let earlier = before.ready[queue.key] { growth[queue.key] = Double(queue.value - earlier) / minutes }
        }
    }

    /// The reading with which rates begin: the oldest of the last minute.
    private static func rateStart(in readings: [Reading]) -> Reading? {
        guard let last = readings.last else { return nil }
        let start = readings.first { last.uptime - $0.uptime <= rateSpan + Sampler.interval / 2 }
        return start.flatMap { last.uptime - $0.uptime >= shortestRateSpan ? $0 : nil }
    }
}
