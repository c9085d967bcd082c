import Glibc
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite

/// Writes jobs into the ledger named by its first argument until it is killed, and prints each reference once the ledger has said
/// that its reply is stored. The second argument starts the references.
@main
struct LedgerWriter {
    static func main() async throws {
        let ledger = try await SQLiteLedger.open(.init(path: CommandLine.arguments[1], owner: "writer"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<16 {
                group.addTask {
                    for number in 0... { try await write("\(CommandLine.arguments[2])-\(lane)-\(number)", to: ledger) }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func write(_ reference: String, to ledger: SQLiteLedger) async throws {
        let job = Sample.job(.recharge, reference)
        guard let id = try await ledger.claim(Sample.claim(job)).record?.id else { return }
        _ = try await ledger.update(Sample.update(id, to: .succeeded, reply: Sample.reply(job, .succeeded), event: .finished))
        // One write of a whole line, so that the reader never sees half of one but at the very end.
        let line = Array("\(reference)\n".utf8)
        _ = Glibc.write(STDOUT_FILENO, line, line.count)
    }
}
