import JobModel

/// Spans of time for people: two units at the most, and none below a second.
enum TimeText {
    static func span(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3_600: return "\(seconds / 60) min"
        case ..<86_400: return seconds / 60 % 60 == 0 ? "\(seconds / 3_600) h" : "\(seconds / 3_600) h \(seconds / 60 % 60) min"
        default: return seconds / 3_600 % 24 == 0 ? "\(seconds / 86_400) d" : "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
        }
    }

    /// When something is due: `now`, or `in 4 min`.
    static func due(_ moment: Timestamp, at now: Timestamp) -> String { moment <= now ? "now" : "in \(span(moment - now))" }
}
