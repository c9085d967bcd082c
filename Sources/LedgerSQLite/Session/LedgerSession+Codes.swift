import JobModel
import Ledger

extension LedgerSession {
    /// Counts an answer of BOS. Plain successes are not counted, so that most jobs do not call this.
    func count(_ sighting: CodeSighting, at now: Timestamp) throws {
        if let (id, code) = try code(sighting.name) { return try update(code, of: id, with: sighting, at: now) }
        let isFull = try statements.codes.count.first(read: { $0.int(0) }) ?? 0 >= CodeCount.maximum
        if isFull, let (id, code) = try code(nil) { return try update(code, of: id, with: sighting, at: now) }
        var code = CodeCount(isFull ? nil : sighting.name, firstSeen: now, lastSeen: now, message: sighting.message)
        code.count(sighting, at: now)
        try insert(code)
    }

    /// See ``Ledger/codes()``.
    func codes() throws -> [CodeCount] {
        var codes: [CodeCount] = []
        try statements.codes.all.query(row: { if let code = try? Self.code($0).code { codes.append(code) } })
        return codes.sorted { $0.precedes($1) }
    }

    private func code(_ name: CodeSighting.Name?) throws -> (id: Int64, code: CodeCount)? {
        try statements.codes.find.first {
            Self.bind(name, to: &$0)
        } read: {
            try Self.code($0)
        }
    }

    private func update(_ old: CodeCount, of id: Int64, with sighting: CodeSighting, at now: Timestamp) throws {
        var code = old
        code.count(sighting, at: now)
        try statements.codes.update.run {
            $0.bind(code.timesSeen)
            $0.bind(code.lastSeen.milliseconds)
            $0.bind(code.message)
            $0.bind(code.succeeded)
            $0.bind(code.failed)
            $0.bind(code.notFound)
            $0.bind(id)
        }
    }

    private func insert(_ code: CodeCount) throws {
        try statements.codes.insert.run {
            Self.bind(code.name, to: &$0)
            $0.bind(code.timesSeen)
            $0.bind(code.firstSeen.milliseconds)
            $0.bind(code.lastSeen.milliseconds)
            $0.bind(code.message)
            $0.bind(code.succeeded)
            $0.bind(code.failed)
            $0.bind(code.notFound)
        }
    }

    /// The columns `endpoint`, `http_status`, `response_code` and `status`.
    private static func bind(_ name: CodeSighting.Name?, to binder: inout Binder) {
        binder.bind(name?.endpoint.rawValue)
        binder.bind(name?.httpStatus ?? 0)
        binder.bind(name?.responseCode)
        binder.bind(flag: name?.status)
    }

    private static func code(_ row: Columns) throws -> (id: Int64, code: CodeCount) {
        let endpoint: CodeSighting.Endpoint? = row.optionalText(1) == nil ? nil : try row.value(1, named: "endpoint of a code")
        let name = endpoint.map { endpoint in
            CodeSighting.Name(
                endpoint, httpStatus: row.int(2), responseCode: row.optionalInt64(3).map { Int($0) },
                status: row.optionalInt64(4).map { $0 != 0 })
        }
        // A count or time out of range starts again at 0. The counts are only information for operators.
        func count(_ column: Int32) -> Int { (try? row.count(column, named: "count of a code")) ?? 0 }
        func time(_ column: Int32) -> Timestamp { (try? row.timestamp(column, named: "time of a code")) ?? Timestamp(milliseconds: 0) }
        var code = CodeCount(name, firstSeen: time(6), lastSeen: time(7), message: row.text(8))
        (code.timesSeen, code.succeeded, code.failed, code.notFound) = (count(5), count(9), count(10), count(11))
        return (row.int64(0), code)
    }
}
