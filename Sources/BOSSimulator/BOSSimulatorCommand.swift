import ArgumentParser

/// `bos-simulator`: worker and poller without BOS. Each subcommand is in a file of its own.
@main
struct BOSSimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bos-simulator",
        abstract: "Stands in for BOS, or simulates worker and poller. Never needed in production.",
        discussion: """
            Without a subcommand it serves, and takes the options of serve: bos-simulator --port 8090. Every option is listed by \
            bos-simulator serve --help and bos-simulator simulate --help.
            """,
        subcommands: [ServeCommand.self, SimulateCommand.self],
        defaultSubcommand: ServeCommand.self)
}
