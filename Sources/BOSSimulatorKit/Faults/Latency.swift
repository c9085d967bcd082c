private import Foundation
internal import JobModel

/// The time until an answer, written `5ms`, `5ms-50ms` (uniform) or `lognormal:20ms,0.5` (median and sigma).
package enum Latency: Sendable, Equatable {
    case none
    case uniform(minimum: Duration, maximum: Duration)
    /// A distribution with a long tail, as of real services. Values are limited to a hundred medians.
    case logNormal(median: Duration, sigma: Double)

    /// Reads one of the three forms. A duration is a number with the unit `us`, `ms` or `s`, at most one hour.
    /// - Throws: ``FaultPlanError`` if the text has none of these forms.
    package init(parsing text: String) throws(FaultPlanError) {
        let explanation = "the latency \"\(text)\" is none of 5ms, 5ms-50ms and lognormal:20ms,0.5"
        if let tail = text.wholeMatch(of: /lognormal:([^,]+),([0-9.]+)/) {
            guard let median = Self.duration(tail.1), let sigma = Double(tail.2), sigma < 10 else { throw .malformed(explanation) }
            self = .logNormal(median: median, sigma: sigma)
            return
        }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = ends.first.flatMap(Self.duration), let last = ends.last.flatMap(Self.duration), first <= last else {
            throw .malformed(explanation)
        }
        self = last == .zero ? .none : .uniform(minimum: first, maximum: last)
    }

    func draw(from generator: inout SeededGenerator) -> Duration {
        switch self {
        case .none: return .zero
        case .uniform(let minimum, let maximum): return minimum + (maximum - minimum) * generator.unit()
        case .logNormal(let median, let sigma):
            // Box–Muller transform. The argument of `log` must not be 0.
            let normal = (-2 * log(1 - generator.unit())).squareRoot() * cos(2 * Double.pi * generator.unit())
            return median * min(exp(sigma * normal), 100)
        }
    }

    /// Reads `250us`, `5ms` or `1.5s`, at most one hour; `nil` for any other text.
    private static func duration(_ text: some StringProtocol) -> Duration? {
        guard let match = String(text).wholeMatch(of: /([0-9]+(?:\.[0-9]+)?)(us|ms|s)/), let number = Double(match.1) else { return nil }
        let microseconds = (number * (match.2 == "s" ? 1_000_000 : match.2 == "ms" ? 1000 : 1)).rounded()
        return microseconds <= 3_600_000_000 ? .microseconds(Int64(microseconds)) : nil
    }
}

extension Latency: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        func text(_ duration: Duration) -> String {
            let (seconds, attoseconds) = duration.components
            return "\(seconds * 1_000_000 + attoseconds / 1_000_000_000_000)us"
        }
        var container = encoder.singleValueContainer()
        switch self {
        case .none: try container.encode("0ms")
        case .uniform(let minimum, let maximum): try container.encode("\(text(minimum))-\(text(maximum))")
        case .logNormal(let median, let sigma): try container.encode("lognormal:\(text(median)),\(sigma)")
        }
    }
}
