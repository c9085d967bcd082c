internal import ExactJSON

/// What the simulated BOS has done. Tests and benchmarks compare replies with it.
struct Books: Sendable {
    /// What BOS has done with one reference.
    struct Entry: Sendable {
        /// How often BOS has executed it. Executions without a record are counted too.
        var executed = 0
        var called = 0
        var enquiries = 0
        /// The sum of all its executions.
        var paise: Int64 = 0
        /// BOS's own record of the execution; `nil` if it has none.
        var record: RechargeRecord?
        /// The request that the mobile operator has refused; `nil` if none was.
        var refused: RechargeRecord?
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var executed = 0
    /// How many requests came, or were executed late, after an execution of the same reference. A correct worker sends none of them.
    private(set) var repeats = 0
    private(set) var paise: Int64 = 0
    private var calls: [BOSEndpoint: Int] = [:]
    private var checks: [String: Int] = [:]
    /// The reference of each of BOS's own numbers.
    private var numbers: [String: String] = [:]
    /// BOS's own number of each reference.
    private var ownNumbers: [String: String] = [:]

    /// Counts a call.
    mutating func called(_ endpoint: BOSEndpoint) { calls[endpoint, default: 0] += 1 }

    /// Counts a call of `DoRecharge`.
    /// - Returns: how many there were for this reference, this one included.
    mutating func called(_ reference: String) -> Int {
        if entries[reference, default: Entry()].executed > 0 { repeats += 1 }
        entries[reference, default: Entry()].called += 1
        return entries[reference]?.called ?? 1
    }

    /// Counts an enquiry.
    /// - Returns: how many there were for this reference, this one included.
    mutating func enquired(_ reference: String) -> Int {
        entries[reference, default: Entry()].enquiries += 1
        return entries[reference]?.enquiries ?? 1
    }

    /// Counts a check of a PAN application.
    /// - Returns: how many there were for this application, this one included.
    mutating func checked(_ application: String) -> Int {
        checks[application, default: 0] += 1
        return checks[application] ?? 1
    }

    /// BOS's own number of a reference. It is the same each time.
    mutating func number(_ reference: String) -> String {
        if let known = ownNumbers[reference] { return known }
        var attempt = 0
        var number = RechargeRecord.ownNumber(of: reference, attempt: attempt)
        while numbers[number] != nil {
            attempt += 1
            number = RechargeRecord.ownNumber(of: reference, attempt: attempt)
        }
        numbers[number] = reference
        ownNumbers[reference] = number
        return number
    }

    /// The reference of one of BOS's own numbers; `nil` if no reference has it.
    func reference(number: String) -> String? { numbers[number] }

    /// Executes a recharge, unless BOS has a record of its reference.
    /// - Returns: `false` for a duplicate, which changes nothing.
    mutating func execute(_ record: RechargeRecord) -> Bool {
        guard entries[record.reference]?.record == nil else { return false }
        count(record)
        entries[record.reference]?.record = record
        return true
    }

    /// Executes a recharge without keeping a record of it.
    mutating func executeUnrecorded(_ record: RechargeRecord) { count(record) }

    private mutating func count(_ record: RechargeRecord) {
        entries[record.reference, default: Entry()].executed += 1
        entries[record.reference]?.paise += record.paise
        executed += 1
        paise += record.paise
    }

    /// Enters the record of another system that has used the reference before.
    mutating func enter(usedBefore record: RechargeRecord) { entries[record.reference, default: Entry()].record = record }

    /// Counts a late recharge that was not executed, because BOS had executed its reference in the meantime.
    mutating func repeatedLate() { repeats += 1 }

    /// Enters a request that the mobile operator has refused.
    mutating func refuse(_ record: RechargeRecord) { entries[record.reference]?.refused = record }

    /// The totals, as `GET /simulator/books` shows them.
    var totals: JSONValue {
        .object([
            .init("executed", .number("\(executed)")),
            .init("executedReferences", .number("\(entries.values.count { $0.executed > 0 })")),
            .init("repeats", .number("\(repeats)")),
            .init("paise", .number("\(paise)")),
            .init("enquiries", .number("\(calls[.rechargesStatus] ?? 0)")),
            .init("calls", .object(BOSEndpoint.allCases.map { .init($0.rawValue, .number("\(calls[$0] ?? 0)")) })),
        ])
    }

    /// One member for each reference, sorted by reference.
    var references: JSONValue {
        .object(
            entries.sorted { $0.key < $1.key }.map { reference, entry in
                .init(
                    reference,
                    .object([
                        .init("executed", .number("\(entry.executed)")),
                        .init("called", .number("\(entry.called)")),
                        .init("enquiries", .number("\(entry.enquiries)")),
                        .init("paise", .number("\(entry.paise)")),
                        .init("refid", ownNumbers[reference].map { .string($0) } ?? .null),
                    ]))
            })
    }
}
