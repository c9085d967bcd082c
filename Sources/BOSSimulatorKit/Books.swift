internal import ExactJSON

/// What the simulated BOS did: the truth that tests and benchmarks compare replies with.
struct Books: Sendable {
    /// One reference's page.
    struct Entry: Sendable {
        var executed = 0
        var called = 0
        var enquiries = 0
        var paise: Int64 = 0
        /// An enquiry knows it from then on; time since the start.
        var knownFrom: Duration = .zero
        /// It is pending until then; time since the start.
        var doneFrom: Duration = .zero
        var wasRefused = false
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var executed = 0
    /// How often a recharge came, or came due, that was executed before: not executed again, and never to be sent.
    private(set) var repeats = 0
    private(set) var paise: Int64 = 0
    private var calls: [Endpoint: Int] = [:]
    private var checks: [String: Int] = [:]

    mutating func called(_ endpoint: Endpoint) { calls[endpoint, default: 0] += 1 }

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

    /// Executes a recharge unless its reference was executed before.
    /// - Returns: false for a duplicate, which changes nothing.
    mutating func execute(_ reference: String, paise amount: Int64, knownFrom: Duration, doneFrom: Duration) -> Bool {
        var entry = entries[reference] ?? Entry()
        guard entry.executed == 0 else { return false }
        entry.executed = 1
        entry.paise = amount
        entry.knownFrom = knownFrom
        entry.doneFrom = doneFrom
        entries[reference] = entry
        executed += 1
        paise += amount
        return true
    }

    /// A recharge whose caller had gone came due, and another had been executed in the meantime.
    mutating func repeatedLate() { repeats += 1 }

    mutating func refuse(_ reference: String) { entries[reference]?.wasRefused = true }

    /// The totals as `GET /simulator/books` shows them.
    var totals: JSONValue {
        .object([
            .init("executed", .number("\(executed)")),
            .init("executedReferences", .number("\(entries.values.count { $0.executed > 0 })")),
            .init("repeats", .number("\(repeats)")),
            .init("paise", .number("\(paise)")),
            .init("enquiries", .number("\(calls[.rechargesStatus] ?? 0)")),
            .init("calls", .object(Endpoint.allCases.map { .init($0.rawValue, .number("\(calls[$0] ?? 0)")) })),
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
                    ]))
            })
    }
}
