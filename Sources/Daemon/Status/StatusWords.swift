import JobModel

// How the status page and its findings write times and counts.

extension Timestamp {
    /// The time of the day in UTC: `03:12:07 UTC`.
    var clock: String { "\(rfc3339.dropFirst(11).prefix(8)) UTC" }

    /// Date and time in UTC, to the second: `2026-11-21 03:12:07`.
    var dateAndClock: String { "\(rfc3339.prefix(10)) \(rfc3339.dropFirst(11).prefix(8))" }
}

extension Duration {
    /// Two units at most, such as `45 ms`, `12 s`, `5 min`, `3 h 20 min` or `8 d 4 h`.
    var words: String {
        let milliseconds = max(0, wholeMilliseconds)
        let seconds = milliseconds / 1_000
        switch seconds {
        case 0: return "\(milliseconds) ms"
        case ..<10: return milliseconds % 1_000 == 0 ? "\(seconds) s" : "\(seconds).\(milliseconds % 1_000 / 100) s"
        case ..<120: return "\(seconds) s"
        case ..<3_600: return "\(seconds / 60) min"
        case ..<86_400: return "\(seconds / 3_600) h \(seconds / 60 % 60) min"
        default: return "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
        }
    }
}

extension Int {
    /// The number with what it counts: `1 reply`, `2 replies`.
    func things(_ one: String, many: String) -> String { "\(self) \(self == 1 ? one : many)" }
}
