internal import ExactJSON

/// What the simulated BOS did: the truth that tests and benchmarks compare replies with.
struct Books: Sendable {
    /// One reference's page.
    struct Entry: Sendable {
        /// Also counts executions of which BOS has kept no record.
        var executed = 0
        var called = 0
        var enquiries = 0
        /// Of all executions.
        var paise: Int64 = 0
        /// What BOS itself knows of the reference.
        var record: RechargeRecord?
        /// The operator has refused it; what was asked for.
        var refused: RechargeRecord?
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var executed = 0
    /// How often a recharge came, or came due, that was executed before: never to be sent.
    private(set) var repeats = 0
    private(set) var paise: Int64 = 0
    private var calls: [BOSEndpoint: Int] = [:]
    private var checks: [String: Int] = [:]
    /// BOS's own numbers, each with the reference that it stands for.
    private var numbers: [String: String] = [:]
    private var ownNumbers: [String: String] = [:]

    mutating func called(_ endpoint: BOSEndpoint) { calls[endpoint, default: 0] += 1 }

    /// Counts a `DoRecharge` and returns how many there were for this reference.
    mutating func called(_ reference: String) -> Int {
        if entries[reference, default: Entry()].executed > 0 { repeats += 1 }
        entries[reference, default: Entry()].called += 1
        return entries[reference]?.called ?? 1
    }

    /// Counts an enquiry and returns how many there were for this reference.
    mutating func enquired(_ reference: String) -> Int {
        entries[reference, default: Entry()].enquiries += 1
        return entries[reference]?.enquiries ?? 1
    }

    /// Counts a check of a PAN application and returns how many there were.
    mutating func checked(_ application: String) -> Int {
        checks[application, default: 0] += 1
        return checks[application] ?? 1
    }

    /// BOS's own number of a reference: the same each time.
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

    /// The reference that BOS's own number stands for.
    func reference(number: String) -> String? { numbers[number] }

    /// Executes a recharge unless BOS knows its reference.
    /// - Returns: false for a duplicate, which changes nothing.
    mutating func execute(_ record: RechargeRecord) -> Bool {
        guard entries[record.reference]?.record == nil else { return false }
        count(record)
        entries[record.reference]?.record = record
        return true
    }

    /// Executes a recharge and keeps no record of it.
    mutating func executeUnrecorded(_ record: RechargeRecord) { count(record) }

    private mutating func count(_ record: RechargeRecord) {
        entries[record.reference, default: Entry()].executed += 1
        entries[record.reference]?.paise += record.paise
        executed += 1
        paise += record.paise
    }

    /// Another system has used the reference before.
    mutating func enter(usedBefore record: RechargeRecord) { entries[record.reference, default: Entry()].record = record }

    /// A recharge whose caller had gone came due, and another had been executed in the meantime.
    mutating func repeatedLate() { repeats += 1 }

    mutating func refuse(_ record: RechargeRecord) { entries[record.reference]?.refused = record }

    /// The totals as `GET /simulator/books` shows them.
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

    /// One member for each reference, in the order of their names.
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
