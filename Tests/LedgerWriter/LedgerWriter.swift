import Glibc
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite

/// Writes jobs until it is killed. The first argument is the ledger's path, the second the prefix of the references. It prints each reference
/// once the ledger has confirmed that the reply is stored.
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
        let job = Sample.job(.recharge, reference: reference)
        guard let id = try await ledger.claim(Sample.claim(job)).record?.id else { return }
        _ = try await ledger.update(Sample.update(id, to: .succeeded, reply: Sample.reply(job, state: .succeeded), event: .finished))
        // One write for each line, so that only the last line can be incomplete.
        let line = Array("\(reference)\n".utf8)
        _ = Glibc.write(STDOUT_FILENO, line, line.count)
    }
}
