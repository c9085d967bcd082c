/// Durations as people write them in the configuration and on the command line: `250ms`, `30s`, `5m`, `2h`, `30d`.
package enum DurationText {
    /// The units with their length in milliseconds, the longest first.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// The duration of a whole number that is directly followed by its unit. `nil` for any other text, and for a duration of more than
    /// 2^63 - 1 milliseconds.
    package static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        let unit = text.dropFirst(digits.count)
        guard let factor = units.first(where: { $0.name == unit })?.milliseconds, let count = Int64(digits) else { return nil }
        let (milliseconds, hasOverflowed) = count.multipliedReportingOverflow(by: factor)
        return hasOverflowed ? nil : .milliseconds(milliseconds)
    }

    /// The duration as people write it. A unit above seconds is used from two of it on: `60s`, `2m`, `24h`. Parts below a millisecond are
    /// dropped.
    package static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "0s" }
        guard
            let unit = units.first(where: { unit in
                milliseconds % unit.milliseconds == 0 && (milliseconds >= 2 * unit.milliseconds || unit.milliseconds <= 1000)
            })
        else { return "\(milliseconds)ms" }
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
}
