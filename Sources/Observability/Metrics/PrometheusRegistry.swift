package import CoreMetrics
import Synchronization

/// The swift-metrics backend: keeps every metric of the process and shows them as Prometheus text.
///
/// Bootstrapped once at start. A metric is made once and kept by whoever records into it, so recording costs an atomic
/// addition (a short lock for histograms) and never a look-up. Source of the format: Prometheus text format 0.0.4.
package final class PrometheusRegistry: MetricsFactory {
    private struct Family {
        let kind: MetricKind
        var series: [SeriesIdentity: any PrometheusSeries] = [:]
        /// Sample lines keep the order in which they were made.
        var order: [SeriesIdentity] = []
    }

    private struct State {
        var families: [String: Family] = [:]
        var conflicts: [String] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Metrics that were asked for as another kind than the table or an earlier maker says; they record, but are not shown.
    ///
    /// Empty unless there is a mistake in the program, hence asserted by tests rather than thrown at run time.
    package var conflicts: [String] { state.withLock { $0.conflicts } }

    /// Registers a gauge that is read at each scrape, for values that somebody else already keeps.
    /// - Parameter read: called on the thread of the scrape; must not block. `nil` leaves the line out.
    package func observe(
        _ name: MetricName, dimensions: [(String, String)] = [], read: @escaping @Sendable () -> Double?
    ) {
        let identity = SeriesIdentity(name: name.rawValue, dimensions: dimensions)
        _ = series(identity, kind: name.row.kind) { ObservedSeries(identity, read: read) }
    }

    /// All metrics as one scrape shows them, families sorted by name.
    package func render() -> String {
        let families = state.withLock { state in
            state.families.sorted { $0.key < $1.key }.map { name, family in
                (name, family.kind, family.order.compactMap { family.series[$0] })
            }
        }
        var text = ""
        text.reserveCapacity(16_384)
        for (name, kind, series) in families where !series.isEmpty {
            let help = MetricName(rawValue: name)?.row.help ?? "Made by a library; not described."
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.typeName)\n"
            for each in series { each.append(to: &text) }
        }
        return text
    }

    /// The series of that identity, made if there is none yet. One of another kind is left alone and a detached one handed out.
    private func series<Series: PrometheusSeries>(
        _ identity: SeriesIdentity, kind: MetricKind, make: () -> Series
    ) -> Series {
        state.withLock { state in
            var family = state.families[identity.name] ?? Family(kind: kind)
            let declared = MetricName(rawValue: identity.name)?.row.kind ?? family.kind
            guard declared == kind, family.kind == kind else {
                state.conflicts.append(identity.name)
                return make()
            }
            if let existing = family.series[identity] {
                if let same = existing as? Series { return same }
                state.conflicts.append(identity.name)
                return make()
            }
            let made = make()
            family.series[identity] = made
            family.order.append(identity)
            state.families[identity.name] = family
            return made
        }
    }

    private func remove(_ handler: AnyObject) {
        state.withLock { state in
            for (name, var family) in state.families {
                guard let identity = family.series.first(where: { $0.value === handler })?.key else { continue }
                family.series[identity] = nil
                family.order.removeAll { $0 == identity }
                state.families[name] = family
            }
        }
    }
}

extension PrometheusRegistry {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let identity = SeriesIdentity(name: label, dimensions: dimensions)
        return series(identity, kind: .counter) { CounterSeries(identity) }
    }

    package func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        let identity = SeriesIdentity(name: label, dimensions: dimensions)
        return series(identity, kind: .counter) { NumberSeries(identity) }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        let identity = SeriesIdentity(name: label, dimensions: dimensions)
        return series(identity, kind: .gauge) { NumberSeries(identity) }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let identity = SeriesIdentity(name: label, dimensions: dimensions)
        guard aggregate else { return series(identity, kind: .gauge) { NumberSeries(identity) } }
        let bounds = Self.bounds(of: identity.name)
        return series(identity, kind: .histogram(bounds)) { HistogramSeries(identity, bounds: bounds) }
    }

    /// Times are recorded in nanoseconds by swift-metrics and shown in seconds, the base unit of Prometheus.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let identity = SeriesIdentity(name: label, dimensions: dimensions)
        let bounds = Self.bounds(of: identity.name)
        return series(identity, kind: .histogram(bounds)) { HistogramSeries(identity, bounds: bounds) }
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private static func bounds(of name: String) -> [Double] {
        if case .histogram(let bounds) = MetricName(rawValue: name)?.row.kind { return bounds }
        return [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    }
}
