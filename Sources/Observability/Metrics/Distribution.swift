/// How many values of a histogram lie in each bucket.
package struct Distribution: Sendable, Equatable {
    /// The upper bounds of the buckets, ascending. Values above the last one are counted in one more bucket.
    package let bounds: [Double]
    /// One count for each bound, and one for the values above the last.
    package private(set) var counts: [UInt64]

    /// - Precondition: `counts` has one element more than `bounds`.
    package init(bounds: [Double], counts: [UInt64]) {
        precondition(counts.count == bounds.count + 1, "a histogram has one more bucket than bounds")
        self.bounds = bounds
        self.counts = counts
    }

    package var total: UInt64 { counts.reduce(0, +) }

    /// What was counted since an earlier reading of the same histogram.
    package func since(_ earlier: Distribution) -> Distribution {
        guard bounds == earlier.bounds else { return self }
        var difference = self
        for index in counts.indices { difference.counts[index] = counts[index] - min(counts[index], earlier.counts[index]) }
        return difference
    }

    /// The value below which this share of all values lies, estimated within its bucket as Prometheus's `histogram_quantile` does. A value
    /// above the last bound is reported as the last bound. `nil` if nothing was counted.
    /// - Parameter share: from 0 to 1.
    package func quantile(_ share: Double) -> Double? {
        let total = total
        guard total > 0, let last = bounds.last else { return nil }
        let rank = share * Double(total)
        var below: UInt64 = 0
        for (index, bound) in bounds.enumerated() {
            let count = counts[index]
            if count > 0, Double(below + count) >= rank {
                let lower = index == 0 ? 0 : bounds[index - 1]
                return lower + (bound - lower) * (rank - Double(below)) / Double(count)
            }
            below += count
        }
        return last
    }
}
