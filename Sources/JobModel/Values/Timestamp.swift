/// A moment of wall-clock time in whole milliseconds since 1970-01-01T00:00:00Z, as it is stored and sent.
package struct Timestamp: Sendable, Hashable, Comparable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Reads an RFC 3339 date-time, with or without a fraction of a second. Digits beyond milliseconds are cut off.
    ///
    /// A leap second (`23:59:60`) is read as the second after it, as POSIX time counts.
    /// - Returns: `nil` if the text is no such date-time, or its year in UTC is not within 0 to 9999.
    package init?(rfc3339 text: String) {
        var reader = TimestampReader(text)
        guard let milliseconds = reader.read() else { return nil }
        self.milliseconds = milliseconds
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-21T09:00:00.412Z`.
    package var rfc3339: String {
        // The civil-from-days algorithm for the proleptic Gregorian calendar. A formatter would cost more than the rest of a reply.
        let (days, millisecondOfDay) = Self.floorDivide(milliseconds, by: 86_400_000)
        let (era, dayOfEra) = Self.floorDivide(days + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let second = millisecondOfDay / 1_000
        var text: [UInt8] = []
        text.reserveCapacity(24)
        if year < 0 { text.append(UInt8(ascii: "-")) }
        Self.append(abs(year), width: 4, behind: nil, to: &text)
        Self.append(month, width: 2, behind: "-", to: &text)
        Self.append(day, width: 2, behind: "-", to: &text)
        Self.append(second / 3_600, width: 2, behind: "T", to: &text)
        Self.append(second / 60 % 60, width: 2, behind: ":", to: &text)
        Self.append(second % 60, width: 2, behind: ":", to: &text)
        Self.append(millisecondOfDay % 1_000, width: 3, behind: ".", to: &text)
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// The sum, but not later than the last moment that RFC 3339 can write. What is stored must be readable, and upstreams write a deadline
    /// in the year 9999 to mean none.
    package static func + (moment: Timestamp, duration: Duration) -> Timestamp {
        let (sum, overflowed) = moment.milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        return Timestamp(milliseconds: overflowed ? plausible.upperBound : min(sum, max(moment.milliseconds, plausible.upperBound)))
    }

    /// The difference; the longest possible duration if it is too large for milliseconds in 64 bits.
    package static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        let (difference, overflowed) = later.milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return .milliseconds(overflowed ? (earlier.milliseconds < 0 ? .max : .min) : difference)
    }

    /// The milliseconds that RFC 3339 can write, from the year 0 to the end of the year 9999. No clock has stored any other value.
    package static let plausible: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    static func floorDivide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// Appends a separator and a number that is not negative.
    /// - Parameter width: the least number of digits.
    private static func append(_ value: Int64, width: Int, behind separator: Unicode.Scalar?, to text: inout [UInt8]) {
        if let separator { text.append(UInt8(ascii: separator)) }
        var divisor: Int64 = 1
        for _ in 1..<width { divisor *= 10 }
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}

extension Duration {
    /// Whole milliseconds, cut off towards zero.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflowed) = seconds.multipliedReportingOverflow(by: 1_000)
        return overflowed ? (seconds > 0 ? .max : .min) : milliseconds + attoseconds / 1_000_000_000_000_000
    }
}
