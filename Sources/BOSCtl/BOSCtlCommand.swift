import ArgumentParser

/// `bosctl`: the tool of upstreams and operators. Each command has a file of its own.
@main
struct BOSCtlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bosctl",
        abstract: "Publishes jobs for bos-worker, shows what became of them, and resolves doubts.",
        discussion: """
            bosctl finds the broker and the ledger in the worker's own configuration: --config or /etc/bos-worker/config.yaml, \
            BOS_ variables, and --amqp.urls=… on the command line.

            Exit codes: 0 all done (with --wait: every job succeeded); 1 every job was answered and at least one did not succeed, or the \
            state of the named job does not allow the command; 64 wrong command line; 70 internal fault; 75 try again later: the broker \
            or the ledger was unavailable, the worker is working on the job, or jobs are unpublished or unanswered; 78 wrong configuration.
            """,
        subcommands: [
            StatusCommand.self, QueuesCommand.self, PublishCommand.self, JobCommand.self, DoubtsCommand.self, PendingCommand.self,
            CodesCommand.self, RetryCommand.self, ResolveCommand.self, ReplyCommand.self, DeadCommand.self, UnroutedCommand.self,
            PauseCommand.self, ResumeCommand.self, LogCommand.self, LedgerCommand.self, TopologyCommand.self, DoctorCommand.self,
        ])
}
