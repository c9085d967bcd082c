import JobEngine
import JobModel
import Ledger
import LedgerSQLite

/// What `bosctl doctor` finds out about the ledger, beside a worker that may be running.
struct LedgerExamination {
    let access: LedgerAccess
    let now: Timestamp

    func diagnose() async -> [Diagnosis] {
        do {
            let overview = try await access.keeping { try await $0.overview(of: access.path) }
            let problems = try await access.keeping { try await $0.quickCheck(access.path) }
            let held = try await access.reading { try await $0.holds() }
            let unreadable = try await access.reading { try await $0.unreadable(limit: 100) }
            return [Self.whole(problems, path: access.path), Self.room(overview)] + Self.copy(overview) + (try await restoring())
                + Self.holds(held, now: now) + Self.rows(unreadable)
        } catch {
            return [
                .fault(
                    "ledger", finding: "\(error)", mend: "check ledger.url, and the owner of the file: this command must be able to read it"
                )
            ]
        }
    }

    private static func whole(_ problems: [String], path: String) -> Diagnosis {
        guard let first = problems.first else { return .ok("ledger", finding: "\(path) is whole (quick check)") }
        return .fault(
            "ledger", finding: "\(path) is damaged: \(first)",
            mend: "bosctl ledger verify, then /usr/share/doc/bos-worker/operating.md#a-lost-ledger")
    }

    /// A copy by `bosctl ledger backup`, and SQLite's own work, need as much room as the ledger takes.
    static func room(_ overview: LedgerKeeper.Overview) -> Diagnosis {
        let finding = "\(SizeText.bytes(overview.bytes)), \(overview.jobs) jobs; \(SizeText.bytes(overview.freeBytes)) are free on its disk"
        let mend = "make room on the disk of the ledger"
        switch overview.freeBytes {
        case ..<(100 << 20): return .fault("ledger size", finding: finding, mend: mend)
        case ..<max(1 << 30, overview.bytes): return .warning("ledger size", finding: finding, mend: mend)
        default: return .ok("ledger size", finding: finding)
        }
    }

    private static func copy(_ overview: LedgerKeeper.Overview) -> [Diagnosis] {
        guard let mark = overview.mark else { return [] }
        return [
            .fault(
                "ledger", finding: "it is a copy of \(mark.source), made at \(mark.madeAt.rfc3339): no worker starts with it",
                mend: "name the ledger itself in ledger.url, or restore the copy: bosctl ledger restore")
        ]
    }

    private func restoring() async throws -> [Diagnosis] {
        let restoring = try await SQLiteLedger.openReadOnly(path: access.path).closing { try await $0.restoring() }
        guard let restoring else { return [] }
        return [
            .warning(
                "ledger", finding: "it was restored at \(restoring.at.rfc3339): recharges that it does not know are not sent",
                mend: "once all upstreams are through: bosctl ledger restore --finish")
        ]
    }

    private static func holds(_ holds: [JobLane: LaneHold], now: Timestamp) -> [Diagnosis] {
        holds.sorted { $0.key.rawValue < $1.key.rawValue }.map { lane, hold in
            .warning(
                "hold",
                finding: "\(hold.user) at \(hold.host) holds \(lane.rawValue) for \(TimeText.span(now - hold.since)): \(hold.reason)",
                mend: "bosctl resume, once the reason is over")
        }
    }

    private static func rows(_ rows: [UnreadableRow]) -> [Diagnosis] {
        guard let first = rows.first else { return [] }
        return [
            .fault(
                "ledger rows", finding: "\(rows.count) rows cannot be read, such as row \(first.id) of \(first.table.rawValue)",
                mend: "/usr/share/doc/bos-worker/operating.md#a-row-that-cannot-be-read")
        ]
    }
}
