import JobModel

/// Rows under a head, each column as wide as its widest cell; the last one takes what it needs.
struct TextTable {
    private var rows: [[String]]

    init(_ head: [String]) { rows = [head] }

    mutating func add(_ cells: [String]) { rows.append(cells.map(\.printable)) }

    var lines: [String] {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { $0 == row.count - 1 ? $1 : $1.padded(to: widths[$0]) }.joined(separator: "  ")
        }
    }
}

/// Numbers for people.
enum Decimals {
    /// A number that is not negative, with so many digits behind the point (3 at most).
    static func text(_ number: Double, digits: Int) -> String {
        let factor: Int64 = [1, 10, 100, 1000][min(digits, 3)]
        let rounded = Int64((number * Double(factor)).rounded())
        guard digits > 0 else { return String(rounded) }
        let fraction = String(rounded % factor)
        return "\(rounded / factor)." + String(repeating: "0", count: max(0, digits - fraction.count)) + fraction
    }
}

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

extension String {
    /// On one line and without what moves the cursor or turns the row round: what came from elsewhere must not break it.
    var printable: String {
        String(map { $0.isNewline || $0.unicodeScalars.contains { $0.isControl } ? "?" : $0 })
    }

    /// As wide as that at least.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Unicode.Scalar {
    /// Control characters, and those that change the direction of what follows.
    fileprivate var isControl: Bool {
        switch value {
        case 0x202A...0x202E, 0x2066...0x2069: true
        default: properties.generalCategory == .control
        }
    }
}
