import ArgumentParser

/// `bos-simulator`: the tools for running worker and poller without BOS. Each subcommand is in a file of its own.
@main
struct BOSSimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bos-simulator",
        abstract: "A stand-in for BOS, and a simulation of worker and poller. Never needed in production.",
        discussion: """
            Without a subcommand the program serves and takes the options of serve, for example bos-simulator --port 8090. The options are \
            listed by bos-simulator serve --help and bos-simulator simulate --help.
            """,
        subcommands: [ServeCommand.self, SimulateCommand.self],
        defaultSubcommand: ServeCommand.self)
}
