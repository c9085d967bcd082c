import ExactJSON
import Glibc
import Logging

/// The content of one line, before it is formatted.
struct LogLine {
    var level: Logger.Level
    var logger: String
    var message: String
    var fields: Logger.Metadata
}

/// The two formats of a log line. A formatted line never contains a line break or another control character, even if the logged text does.
enum LogLineFormatter: Sendable {
    /// `{"ts":…,"level":…,"logger":…,"message":…,"fields":{…}}`. The metadata has a member of its own, so a field can never be mistaken for
    /// one of the fixed members. `fields` is left out if it is empty.
    case json
    /// `2026-11-21T09:00:00.123Z INFO  bos.engine: job finished kind=recharge`
    case human(isColoured: Bool)

    /// The formatted line with its line break.
    /// - Parameters:
    ///   - milliseconds: the time of the line, since 1970.
    ///   - isJournal: whether journald reads the line. The line then begins with its level (sd-daemon(3)).
    func bytes(of line: LogLine, at milliseconds: Int64, isJournal: Bool) -> [UInt8] {
        let prefix = isJournal ? Array("<\(Self.priority(of: line.level))>".utf8) : []
        switch self {
        case .json: return prefix + Self.json(line, at: milliseconds)
        case .human(let isColoured): return prefix + Self.human(line, at: milliseconds, isColoured: isColoured)
        }
    }

    /// The level as a number of syslog (sd-daemon(3)).
    private static func priority(of level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    private static func json(_ line: LogLine, at milliseconds: Int64) -> [UInt8] {
        var members: [JSONValue.Member] = [
            JSONValue.Member("ts", .string(rfc3339(milliseconds))),
            JSONValue.Member("level", .string(line.level.rawValue)),
            JSONValue.Member("logger", .string(line.logger)),
            JSONValue.Member("message", .string(line.message)),
        ]
        if !line.fields.isEmpty { members.append(JSONValue.Member("fields", jsonValue(.dictionary(line.fields)))) }
        return escaped(JSONValue.object(members).encoded) + [UInt8(ascii: "\n")]
    }

    private static func jsonValue(_ value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value): jsonScalar(value)
        case .array(let values): .array(values.map(jsonValue))
        case .dictionary(let fields):
            .object(fields.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, jsonValue($0.value)) })
        }
    }

    private static func jsonScalar(_ value: any CustomStringConvertible) -> JSONValue {
        switch value {
        case let flag as Bool: .bool(flag)
        case let number as any BinaryInteger: .number("\(number)")
        default: .string(value.description)
        }
    }

    private static func human(_ line: LogLine, at milliseconds: Int64, isColoured: Bool) -> [UInt8] {
        let level = line.level.rawValue.uppercased()
        let padding = String(repeating: " ", count: max(0, 8 - level.count))
        let colour = isColoured ? colour(of: line.level) : ""
        let dim = isColoured ? "\u{1B}[2m" : ""
        let plain = isColoured ? "\u{1B}[0m" : ""
        var text = "\(dim)\(rfc3339(milliseconds))\(plain) \(colour)\(level)\(plain)\(padding) "
        text += "\(dim)\(escaped(line.logger)):\(plain) \(escaped(line.message))"
        for (name, value) in line.fields.sorted(by: { $0.key < $1.key }) {
            text += " \(dim)\(escaped(name))=\(plain)\(quotedIfNeeded("\(value)"))"
        }
        return Array(text.utf8) + [UInt8(ascii: "\n")]
    }

    private static func colour(of level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "\u{1B}[2m"
        case .info: "\u{1B}[32m"
        case .notice: "\u{1B}[36m"
        case .warning: "\u{1B}[33m"
        case .error, .critical: "\u{1B}[1;31m"
        }
    }

    private static func quotedIfNeeded(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        return isPlain ? escaped(text) : "\"\(escaped(text, quote: true))\""
    }

    /// The text with escapes for characters that could end the line, move the cursor, or change the order in which text is shown.
    /// - Parameter quote: whether double quotes are escaped too.
    static func escaped(_ text: String, quote: Bool = false) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar.value {
            case 0x0A: result += "\\n"
            case 0x0D: result += "\\r"
            case 0x09: result += "\\t"
            case 0x22 where quote: result += "\\\""
            case ..<0x20: result += "\\u{\(String(scalar.value, radix: 16))}"
            case _ where isMisleading(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    /// Whether a terminal treats the character as a command, or shows the text after it in another order.
    private static func isMisleading(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// A JSON text in which such characters are escaped. They can only stand in strings, and an escape means the same character there.
    private static func escaped(_ json: [UInt8]) -> [UInt8] {
        // The first UTF-8 bytes of all such characters. Most lines contain none of them.
        guard json.contains(where: { [0x7F, 0xC2, 0xD8, 0xE2].contains($0) }) else { return json }
        return String(decoding: json, as: UTF8.self).unicodeScalars.reduce(into: []) { bytes, scalar in
            guard isMisleading(scalar) else { return bytes += UTF8.encode(scalar).map(Array.init) ?? [] }
            let digits = String(scalar.value, radix: 16)
            bytes += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8
        }
    }

    /// The time in UTC, from milliseconds since 1970. For example `2026-11-21T09:00:00.123Z`.
    static func rfc3339(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
        let clock = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
        return "\(date)T\(clock).\(padded(Int32(milliseconds % 1000), width: 3))Z"
    }

    private static func padded(_ number: Int32, width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
