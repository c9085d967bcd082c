import GRDB
import GRDBSQLite

/// A statement that is compiled once. Values go in and out by position.
///
/// It calls SQLite directly: a job runs a dozen statements, and boxing their arguments as GRDB does would cost more than running them. Text is
/// passed with its length, so that a NUL inside it is an ordinary byte.
final class PreparedStatement {
    /// Keeps `handle` valid.
    private let statement: Statement
    private let handle: OpaquePointer

    /// The text that was compiled.
    var sql: String { statement.sql }

    init(_ sql: String, in database: Database) throws {
        statement = try database.makeStatement(sql: sql)
        handle = statement.sqliteStatement
    }

    /// Runs a statement that returns no rows.
    func run(_ bind: (inout Binder) -> Void = { _ in }) throws {
        try query(bind, row: { _ in })
    }

    /// Runs an INSERT and returns the new row's id.
    func insert(_ bind: (inout Binder) -> Void) throws -> Int64 {
        try run(bind)
        return sqlite3_last_insert_rowid(sqlite3_db_handle(handle))
    }

    /// The first row that the statement returns, decoded by `read`; `nil` if it returns none.
    func first<Value>(_ bind: (inout Binder) -> Void = { _ in }, read: (Columns) throws -> Value) throws -> Value? {
        var value: Value?
        try query(bind, row: { if value == nil { value = try read($0) } })
        return value
    }

    /// Calls `row` for each row that the statement returns.
    func query(_ bind: (inout Binder) -> Void = { _ in }, row: (Columns) throws -> Void) throws {
        // `sqlite3_reset` repeats the error of the last step, which was thrown already.
        defer { sqlite3_reset(handle) }
        var binder = Binder(handle: handle)
        bind(&binder)
        guard binder.code == SQLITE_OK else { throw failure(binder.code) }
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: try row(Columns(handle: handle))
            case SQLITE_DONE: return
            case let code: throw failure(code)
            }
        }
    }

    private func failure(_ code: Int32) -> DatabaseError {
        DatabaseError(
            resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))))
    }
}

/// Binds a statement's values, from the first to the last.
struct Binder {
    fileprivate let handle: OpaquePointer
    private var index: Int32 = 0
    /// The first error. After it, no more values are bound.
    fileprivate private(set) var code = SQLITE_OK

    /// SQLite copies the value before the call returns.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    fileprivate init(handle: OpaquePointer) { self.handle = handle }

    mutating func bind(_ value: Int64?) {
        set { handle, index in
            guard let value else { return sqlite3_bind_null(handle, index) }
            return sqlite3_bind_int64(handle, index, value)
        }
    }

    mutating func bind(_ value: Int?) { bind(value.map(Int64.init)) }

    mutating func bind(flag value: Bool?) { bind(value.map { $0 ? 1 : 0 } as Int64?) }

    mutating func bind(_ value: String?) {
        set { handle, index in
            guard var value else { return sqlite3_bind_null(handle, index) }
            return value.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    sqlite3_bind_text(handle, index, $0.baseAddress, Int32($0.count), Self.copied)
                }
            }
        }
    }

    mutating func bind(text value: [UInt8]) {
        set { handle, index in
            value.withUnsafeBytes {
                sqlite3_bind_text(
                    handle, index, $0.assumingMemoryBound(to: CChar.self).baseAddress, Int32($0.count), Self.copied)
            }
        }
    }

    mutating func bind(blob value: [UInt8]?) {
        guard let value else { return set { sqlite3_bind_null($0, $1) } }
        set { handle, index in value.withUnsafeBytes { sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), Self.copied) } }
    }

    private mutating func set(_ bind: (OpaquePointer, Int32) -> Int32) {
        index += 1
        if code == SQLITE_OK { code = bind(handle, index) }
    }
}

/// The values of one row. Columns are numbered from 0. Valid until the next step.
struct Columns {
    fileprivate let handle: OpaquePointer

    func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func double(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }

    func int(_ column: Int32) -> Int { Int(truncatingIfNeeded: int64(column)) }

    func optionalInt64(_ column: Int32) -> Int64? { isNull(column) ? nil : int64(column) }

    func text(_ column: Int32) -> String { String(decoding: raw(column), as: UTF8.self) }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func bytes(_ column: Int32) -> [UInt8] { Array(raw(column)) }

    private func raw(_ column: Int32) -> UnsafeRawBufferPointer {
        // In this order: `sqlite3_column_blob` may convert the value, which changes its size.
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
    }

    private func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
}
