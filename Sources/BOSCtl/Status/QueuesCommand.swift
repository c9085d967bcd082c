import AMQP
import ArgumentParser
import Daemon
import ExactJSON
import JobEngine
import JobModel
import Ledger

/// `bosctl queues`: what waits on the broker and in the ledger, and why.
struct QueuesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queues",
        abstract: "Shows what waits in each queue and in the ledger, who consumes it, and in words why it grows.",
        discussion: """
            "ready" and "consumers" come from the broker. With amqp.managementURL it also shows "unacked" (delivered, and worked on) and the \
            messages a second that come and go. "ledger" are the jobs that wait in the ledger and go through this queue when they are due; \
            "overdue" is since when the oldest of them should have gone on. The reason comes from the worker.
            """)

    @OptionGroup var watching: WatchOption
    @OptionGroup var addresses: ProgramAddresses
    @OptionGroup var output: OutputOptions
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await options.withLedger(isJSON: output.json) { access, settings, console in
            do {
                let broker = try Broker(inspecting: settings, console: console)
                try await broker.inspecting {
                    try await WebClient.with(caFile: settings.brokerCAFile) { web in
                        let reader = QueuesReader(
                            settings: settings, connection: broker.publishing, access: access, web: web,
                            worker: addresses.url(of: .worker, in: options))
                        _ = try await watching.show(on: console) { try await reader.report() }
                    }
                }
            } catch let error as BrokerError {
                console.complain("\(error)")
                throw ExitCode(ProcessExit.notDrained.rawValue)
            }
        }
    }
}

/// Reads the queues from the broker, the ledger and the worker.
struct QueuesReader {
    let settings: Settings
    let connection: Connection
    let access: LedgerAccess
    let web: WebClient
    /// The address of the worker's pages.
    let worker: String

    /// - Throws: ``BrokerError/unreachable(_:)`` if the broker does not answer.
    func report() async throws -> QueuesReport {
        let now = SystemClock().now()
        let status = try? await ProgramStatus.read(.worker, at: worker, over: web)
        let ledger = try? await access.reading { try await LedgerState($0, now: now) }
        let management = ManagementAPI(settings, broker: connection.configuration.urls[0], over: web)
        var rows: [QueuesReport.Row] = []
        for queue in settings.topology.watchedQueues {
            var row = QueuesReport.Row(queue: queue)
            do throws(SessionError) {
                let depth = try await connection.depth(of: queue)
                (row.ready, row.consumers) = (Int(depth.messages), Int(depth.consumers))
            } catch {
                guard case .noSuchQueue = error else { throw BrokerError.unreachable(error) }
            }
            if let found = try? await management?.queue(queue) {
                (row.unacked, row.publishRate, row.ackRate) = (found.unacked, found.publishRate, found.ackRate)
            }
            if let lane = settings.topology.lane(of: queue) {
                row.ledgerOwned = ledger?.unfinished(lane)
                if lane == .money || ledger?.unfinished(.money) == 0 { row.overdue = ledger?.overdue }
            }
            row.why = why(row, status: status)
            rows.append(row)
        }
        return QueuesReport(rows: rows, hasManagement: management != nil)
    }

    /// The worker knows best. Without it the broker shows whether anything consumes.
    private func why(_ row: QueuesReport.Row, status: ProgramStatus?) -> String? {
        guard let ready = row.ready else { return "the queue does not exist: bosctl topology apply" }
        if let why = status?.json["queues"]?[row.queue]?["why"]?.text { return why }
        guard settings.topology.lane(of: row.queue) != nil else { return ready > 0 ? "kept for a person" : nil }
        guard row.consumers == 0 else { return nil }
        let reasons = status?.reasons.joined(separator: "; ") ?? ""
        return reasons.isEmpty ? "no program consumes it: start bos-worker" : "the worker does not consume it: \(reasons)"
    }
}

/// The queues as a table.
struct QueuesReport: Report {
    struct Row {
        let queue: String
        /// `nil` if the queue does not exist.
        var ready: Int?
        var consumers: Int?
        var unacked: Int?
        /// Messages a second.
        var publishRate: Double?
        var ackRate: Double?
        /// Jobs of the ledger that go through this queue; `nil` for other queues.
        var ledgerOwned: Int?
        var overdue: Duration?
        var why: String?
    }

    let rows: [Row]
    let hasManagement: Bool

    var lines: [String] {
        var table = TextTable(["queue", "ready", "unacked", "consumers", "in/s", "out/s", "ledger", "overdue"])
        for row in rows {
            table.add([
                row.queue, text(row.ready), text(row.unacked), text(row.consumers), rate(row.publishRate), rate(row.ackRate),
                text(row.ledgerOwned), row.overdue.map { TimeText.span($0) } ?? "-",
            ])
        }
        let reasons = rows.flatMap { row in
            row.why.map { TextWrapping.wrap("\(row.queue): \($0)".printable, first: "", rest: "  ") } ?? []
        }
        let hint = hasManagement ? [] : ["unacked, in/s and out/s need amqp.managementURL"]
        return table.lines + reasons + hint
    }

    private func text(_ number: Int?) -> String { number.map(String.init) ?? "-" }
    private func rate(_ number: Double?) -> String { number.map { Decimals.text($0, digits: 1) } ?? "-" }

    var json: [JSONValue] {
        rows.map { row in
            func number(_ value: Int?) -> JSONValue { value.map { .number(String($0)) } ?? .null }
            func rate(_ value: Double?) -> JSONValue { value.map { .number(Decimals.text($0, digits: 3)) } ?? .null }
            return .object([
                .init("queue", .string(row.queue)), .init("ready", number(row.ready)), .init("unacked", number(row.unacked)),
                .init("consumers", number(row.consumers)), .init("published_per_second", rate(row.publishRate)),
                .init("acked_per_second", rate(row.ackRate)), .init("ledger_owned", number(row.ledgerOwned)),
                .init("overdue_seconds", number(row.overdue.map { Int($0.components.seconds) })),
                .init("why", row.why.map { .string($0.printable) } ?? .null),
            ])
        }
    }
}
