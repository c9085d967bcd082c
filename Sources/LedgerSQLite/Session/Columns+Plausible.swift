import JobModel
import Ledger

/// Values within the ranges that this program writes. SQLite's pages have no checksum, so that a bit that has flipped on the disk reads as an
/// ordinary number. Numbers that this program cannot have stored are refused.
extension Columns {
    /// Numbers of calls, answers or replies.
    private static let counts: ClosedRange<Int64> = 0...1_000_000_000
    /// Milliseconds of monotonic time within one boot: a hundred years.
    private static let monotonic: ClosedRange<Int64> = 0...3_155_760_000_000
    /// In paise. The sum of a thousand such amounts does not overflow.
    private static let amounts: ClosedRange<Int64> = 0...(Int64.max / 1_000)

    /// - Throws: ``LedgerError/unreadable(_:)``
    func count(_ column: Int32, named name: @autoclosure () -> String) throws -> Int {
        Int(try int64(column, in: Self.counts, named: name()))
    }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func milliseconds(_ column: Int32, named name: @autoclosure () -> String) throws -> Int64 {
        try int64(column, in: Self.monotonic, named: name())
    }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func optionalMilliseconds(_ column: Int32, named name: @autoclosure () -> String) throws -> Int64? {
        try optionalInt64(column) == nil ? nil : milliseconds(column, named: name())
    }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func money(_ column: Int32, named name: @autoclosure () -> String) throws -> Money {
        Money(paise: try int64(column, in: Self.amounts, named: name()))
    }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func timestamp(_ column: Int32, named name: @autoclosure () -> String) throws -> Timestamp {
        Timestamp(milliseconds: try int64(column, in: Timestamp.plausible, named: name()))
    }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func optionalTimestamp(_ column: Int32, named name: @autoclosure () -> String) throws -> Timestamp? {
        try optionalInt64(column) == nil ? nil : timestamp(column, named: name())
    }

    /// A due time. The first millisecond of the year 10000 is read as the last one of 9999, because an older version has stored deadlines so.
    /// - Throws: ``LedgerError/unreadable(_:)``
    func optionalDueTime(_ column: Int32, named name: @autoclosure () -> String) throws -> Timestamp? {
        let last = Timestamp.plausible.upperBound
        return optionalInt64(column) == last + 1 ? Timestamp(milliseconds: last) : try optionalTimestamp(column, named: name())
    }

    /// - Throws: ``LedgerError/unreadable(_:)`` if the text is not a raw value of the type.
    func value<Value: RawRepresentable<String>>(_ column: Int32, named name: @autoclosure () -> String) throws -> Value {
        guard let value = Value(rawValue: text(column)) else { throw LedgerError.unreadable("\(name()) has an unknown value") }
        return value
    }

    /// - Throws: ``LedgerError/unreadable(_:)`` if there is a text and it is not a raw value of the type.
    func optionalValue<Value: RawRepresentable<String>>(_ column: Int32, named name: @autoclosure () -> String) throws -> Value? {
        try optionalText(column) == nil ? nil : value(column, named: name())
    }

    private func int64(_ column: Int32, in range: ClosedRange<Int64>, named name: @autoclosure () -> String) throws -> Int64 {
        let value = int64(column)
        guard range.contains(value) else { throw LedgerError.unreadable("\(name()) is out of range: \(value)") }
        return value
    }
}
