import JobModel
import Ledger

/// Values as this program writes them. A page of SQLite carries no checksum, so that a bit that has flipped on the disk comes back as a
/// number like any other; what no run of this program can have stored is not calculated with.
extension Columns {
    /// A number of calls, answers or replies.
    private static let counts: ClosedRange<Int64> = 0...1_000_000_000
    /// Steady time of one boot: a hundred years.
    private static let steady: ClosedRange<Int64> = 0...3_155_760_000_000
    /// A sum of a thousand of them still fits.
    private static let amounts: ClosedRange<Int64> = 0...(Int64.max / 1_000)

    /// - Throws: ``LedgerError/unreadable(_:)``
    func count(_ column: Int32, _ name: String) throws -> Int { Int(try int64(column, in: Self.counts, name)) }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func milliseconds(_ column: Int32, _ name: String) throws -> Int64 { try int64(column, in: Self.steady, name) }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func optionalMilliseconds(_ column: Int32, _ name: String) throws -> Int64? {
        try optionalInt64(column) == nil ? nil : milliseconds(column, name)
    }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func money(_ column: Int32, _ name: String) throws -> Money { Money(paise: try int64(column, in: Self.amounts, name)) }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func timestamp(_ column: Int32, _ name: String) throws -> Timestamp {
        Timestamp(milliseconds: try int64(column, in: Timestamp.plausible, name))
    }

    /// - Throws: ``LedgerError/unreadable(_:)``
    func optionalTimestamp(_ column: Int32, _ name: String) throws -> Timestamp? {
        try optionalInt64(column) == nil ? nil : timestamp(column, name)
    }

    /// The moment after a deadline in the last millisecond of the year 9999 is read as that millisecond: an older version has stored it so.
    /// - Throws: ``LedgerError/unreadable(_:)``
    func optionalDueTime(_ column: Int32, _ name: String) throws -> Timestamp? {
        let last = Timestamp.plausible.upperBound
        return optionalInt64(column) == last + 1 ? Timestamp(milliseconds: last) : try optionalTimestamp(column, name)
    }

    /// - Throws: ``LedgerError/unreadable(_:)`` if the text is none of the type's names.
    func value<Value: RawRepresentable<String>>(_ column: Int32, _ name: String) throws -> Value {
        guard let value = Value(rawValue: text(column)) else { throw LedgerError.unreadable("the \(name) is not known") }
        return value
    }

    /// - Throws: ``LedgerError/unreadable(_:)`` if there is a text and it is none of the type's names.
    func optionalValue<Value: RawRepresentable<String>>(_ column: Int32, _ name: String) throws -> Value? {
        try optionalText(column) == nil ? nil : value(column, name)
    }

    private func int64(_ column: Int32, in range: ClosedRange<Int64>, _ name: String) throws -> Int64 {
        let value = int64(column)
        guard range.contains(value) else { throw LedgerError.unreadable("the \(name) is \(value), which cannot be") }
        return value
    }
}
