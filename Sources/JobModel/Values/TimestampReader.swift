/// Reads one RFC 3339 date-time (section 5.6) with integers. A floating-point number could turn `.412` into 411 ms.
struct TimestampReader {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = Array(text.utf8)[...] }

    /// - Returns: milliseconds since 1970-01-01T00:00:00Z, or `nil` if the text is no such date-time.
    mutating func read() -> Int64? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2), take("T"),
            let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2),
            let fraction = fraction(), let offset = offset(), rest.isEmpty,
            (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        let seconds = Self.days(toYear: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second - offset
        // In UTC the year may be one that RFC 3339 cannot write, and what is stored must be readable.
        guard Self.writable.contains(seconds) else { return nil }
        return seconds * 1_000 + fraction
    }

    /// 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z, in seconds since 1970.
    private static let writable: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// The fraction of the second in milliseconds; 0 if there is none.
    private mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        return (Array(digits.prefix(3)) + [48, 48]).prefix(3).reduce(0) { $0 * 10 + Int64($1 - 48) }
    }

    /// The offset from UTC in seconds, positive to the east.
    private mutating func offset() -> Int64? {
        if take("Z") { return 0 }
        let sign: Int64 = take("-") ? -1 : 1
        guard sign < 0 || take("+"), let hour = number(2), take(":"), let minute = number(2), hour < 24, minute < 60 else {
            return nil
        }
        return sign * (hour * 3_600 + minute * 60)
    }

    private mutating func number(_ width: Int) -> Int64? {
        guard rest.count >= width else { return nil }
        var value: Int64 = 0
        for byte in rest.prefix(width) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        rest = rest.dropFirst(width)
        return value
    }

    /// Takes the character if it comes next. A letter may be in lower case (RFC 3339, section 5.6).
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        let upper = UInt8(ascii: character)
        guard let byte = rest.first, byte == upper || (upper >= UInt8(ascii: "A") && byte == upper + 32) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01, by the days-from-civil algorithm for the proleptic Gregorian calendar. It counts years from March.
    private static func days(toYear year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = Timestamp.floorDivide(shifted, by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
