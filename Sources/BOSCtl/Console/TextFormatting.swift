import JobModel

/// A table as lines of text. Each column is as wide as its widest cell; the last column is not padded.
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

/// Decimal numbers for operators.
enum Decimals {
    /// Formats a number that is not negative.
    /// - Parameter digits: how many digits follow the decimal point, 3 at most. The last one is rounded.
    static func text(_ number: Double, digits: Int) -> String {
        let factor: Int64 = [1, 10, 100, 1000][min(digits, 3)]
        let rounded = Int64((number * Double(factor)).rounded())
        guard digits > 0 else { return String(rounded) }
        let fraction = String(rounded % factor)
        return "\(rounded / factor)." + String(repeating: "0", count: max(0, digits - fraction.count)) + fraction
    }
}

/// Spans of time for operators: at most two units, the smallest a second.
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
    /// The text with `?` for each line break, control character and change of writing direction. Texts from elsewhere must not break a row.
    var printable: String {
        String(map { $0.isNewline || $0.unicodeScalars.contains { $0.isControl } ? "?" : $0 })
    }

    /// The text without the spaces at its end: the last cells of a table may be empty.
    var withoutTrailingSpaces: String { String(reversed().drop { $0 == " " }.reversed()) }

    /// The text with spaces after it, so that it is at least `width` characters long.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Unicode.Scalar {
    /// Whether it is a control character, or changes the writing direction.
    fileprivate var isControl: Bool {
        switch value {
        case 0x202A...0x202E, 0x2066...0x2069: true
        default: properties.generalCategory == .control
        }
    }
}
