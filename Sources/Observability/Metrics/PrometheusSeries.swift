import CoreMetrics
import Synchronization

/// A metric with one combination of label values: one line of the page, or one group of lines.
protocol PrometheusSeries: AnyObject, Sendable {
    /// Appends the current sample lines.
    func append(to text: inout String)
}

/// A whole-number counter. An increment is one atomic addition.
final class CounterSeries: PrometheusSeries, CounterHandler {
    private let head: String
    private let value = Atomic<Int64>(0)

    init(_ identity: SeriesIdentity) { head = identity.sampleHead() }

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }
    func append(to text: inout String) { text += "\(head)\(total)\n" }

    /// The count now.
    var total: Int64 { value.load(ordering: .relaxed) }
}

/// A floating-point number that can be set and added to: a gauge, or a counter of rupees.
final class NumberSeries: PrometheusSeries, FloatingPointCounterHandler, MeterHandler, RecorderHandler {
    private let head: String
    private let value = Atomic<Double>(0)

    init(_ identity: SeriesIdentity) { head = identity.sampleHead() }

    func set(_ newValue: Double) { value.store(newValue, ordering: .relaxed) }
    func set(_ newValue: Int64) { set(Double(newValue)) }
    func record(_ newValue: Double) { set(newValue) }
    func record(_ newValue: Int64) { set(Double(newValue)) }
    func reset() { set(0.0) }
    func decrement(by amount: Double) { increment(by: -amount) }

    func increment(by amount: Double) {
        var current = value.load(ordering: .relaxed)
        while true {
            let (exchanged, original) = value.compareExchange(expected: current, desired: current + amount, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }

    func append(to text: inout String) { text += "\(head)\(prometheusNumber(number))\n" }

    /// The value now.
    var number: Double { value.load(ordering: .relaxed) }
}

/// A gauge whose value each scrape reads. It has no line while its source returns `nil`.
final class ObservedSeries: PrometheusSeries {
    private let head: String
    private let read: @Sendable () -> Double?

    init(_ identity: SeriesIdentity, read: @escaping @Sendable () -> Double?) {
        head = identity.sampleHead()
        self.read = read
    }

    func append(to text: inout String) {
        guard let value = read() else { return }
        text += "\(head)\(prometheusNumber(value))\n"
    }
}

/// A histogram. It uses a lock and no atomics, so that a scrape never sees a count without its sum. The lock is held for nanoseconds.
final class HistogramSeries: PrometheusSeries, RecorderHandler, TimerHandler {
    private struct State {
        var counts: [UInt64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let bucketHeads: [String]
    private let sumHead: String
    private let countHead: String
    private let state: Mutex<State>

    init(_ identity: SeriesIdentity, bounds: [Double]) {
        self.bounds = bounds
        bucketHeads = (bounds.map(prometheusNumber) + ["+Inf"]).map { identity.sampleHead(suffix: "_bucket", bound: $0) }
        sumHead = identity.sampleHead(suffix: "_sum")
        countHead = identity.sampleHead(suffix: "_count")
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Double) {
        // NaN would make the sum NaN for ever.
        guard !value.isNaN else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[bucket] += 1
            $0.sum += value
        }
    }

    /// The counts now.
    var distribution: Distribution { Distribution(bounds: bounds, counts: state.withLock(\.counts)) }

    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func append(to text: inout String) {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        var total: UInt64 = 0
        for (head, count) in zip(bucketHeads, counts) {
            total += count
            text += "\(head)\(total)\n"
        }
        text += "\(sumHead)\(prometheusNumber(sum))\n\(countHead)\(total)\n"
    }
}

/// A number as Prometheus reads it: whole numbers have no fraction, and NaN and infinity have the words of the text format.
func prometheusNumber(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if let whole = Int64(exactly: value) { return String(whole) }
    return "\(value)"
}
