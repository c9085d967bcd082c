import ArgumentParser
import Daemon

@main
struct BOSPollerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bos-poller",
        abstract: "Puts jobs that wait in the ledger back on their queue when they are due.",
        version: Version.current)

    @OptionGroup var options: DaemonOptions

    func run() async throws {
        let exit = await DaemonProgram.run(.poller, options: options)
        throw ExitCode(exit.rawValue)
    }
}
