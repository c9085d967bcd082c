import ArgumentParser
import Daemon

@main
struct BOSWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bos-worker",
        abstract: "Takes recharge and status jobs from RabbitMQ, calls the BOS API and publishes the results.",
        version: Version.current)

    @OptionGroup var options: DaemonOptions

    func run() async throws {
        let exit = await DaemonProgram.run(.worker, options: options)
        throw ExitCode(exit.rawValue)
    }
}
