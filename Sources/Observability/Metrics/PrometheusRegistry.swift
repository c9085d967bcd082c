package import CoreMetrics
import Synchronization

/// The swift-metrics backend. It keeps every metric of the process and renders them in Prometheus text format 0.0.4.
///
/// The daemon bootstraps it once at the start. The code that records into a metric makes it once and keeps it. So recording costs one
/// atomic addition (a short lock for histograms), and no look-up.
package final class PrometheusRegistry: MetricsFactory {
    private struct Family {
        let kind: MetricKind
        var series: [SeriesIdentity: any PrometheusSeries] = [:]
        /// The order in which the series were made. The page shows them in this order.
        var order: [SeriesIdentity] = []
    }

    private struct State {
        var families: [String: Family] = [:]
        var conflicts: [String] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// The names of metrics that were requested as another kind than `MetricName` or an earlier request says. They record, but the page
    /// does not show them.
    ///
    /// The list is empty unless the program has a fault. So tests assert that it is empty, and no error is thrown at run time.
    package var conflicts: [String] { state.withLock { $0.conflicts } }

    /// Registers a gauge whose value another part keeps. Each scrape reads the value.
    /// - Parameters:
    ///   - dimensions: the labels with their values.
    ///   - read: called on the thread of the scrape. It must not block. If it returns `nil`, the page leaves the line out.
    package func observe(
        _ name: MetricName, dimensions: [(String, String)] = [], read: @escaping @Sendable () -> Double?
    ) {
        let identity = SeriesIdentity(name: name.rawValue, dimensions: dimensions)
        _ = series(identity, kind: name.row.kind) { ObservedSeries(identity, read: read) }
    }

    /// The value of a counter or a gauge now; `nil` if there is none with these labels.
    package func value(of name: MetricName, dimensions: [(String, String)] = []) -> Double? {
        switch existing(name, dimensions: dimensions) {
        case let counter as CounterSeries: Double(counter.total)
        case let number as NumberSeries: number.number
        default: nil
        }
    }

    /// The counts of a histogram now; `nil` if there is none with these labels.
    package func distribution(of name: MetricName, dimensions: [(String, String)] = []) -> Distribution? {
        (existing(name, dimensions: dimensions) as? HistogramSeries)?.distribution
    }

    private func existing(_ name: MetricName, dimensions: [(String, String)]) -> (any PrometheusSeries)? {
        let identity = SeriesIdentity(name: name.rawValue, dimensions: dimensions)
        return state.withLock { $0.families[identity.name]?.series[identity] }
    }

    /// The page with all metrics, sorted by name.
    package func render() -> String {
        let families = state.withLock { state in
            state.families.sorted { $0.key < $1.key }.map { name, family in
                (name, family.kind, family.order.compactMap { family.series[$0] })
            }
        }
        var text = ""
        text.reserveCapacity(16_384)
        for (name, kind, series) in families where !series.isEmpty {
            let help = MetricName(rawValue: name)?.row.help ?? "Made by a library, without a description."
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.typeName)\n"
            for each in series { each.append(to: &text) }
        }
        return text
    }

    /// The series with this identity. It is made if it does not exist. If a series of another kind exists, that one stays unchanged and the
    /// caller gets a new series that the page does not show.
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

    /// swift-metrics records times in nanoseconds. The page shows them in seconds, the base unit of Prometheus.
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
