import ArgumentParser

/// `bosctl`: what people do with the queues, from a shell. Each command is in a file of its own.
@main
struct BOSCtlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bosctl",
        abstract: "Publishes jobs for bos-worker, shows what became of them, and settles doubts.",
        discussion: """
            Broker and ledger come from the worker's own configuration: --config or /etc/bos-worker/config.yaml, BOS_ variables, \
            --amqp.urls=… on the command line.

            Exit codes: 0 all done (with --wait: every job succeeded); 1 every job was answered, and at least one did not succeed, or the \
            job that is named does not allow it; 64 wrong command line; 70 internal fault; 75 try again later: broker or ledger was away, \
            the worker has the job in its hands, or jobs are unpublished or unanswered; 78 wrong configuration.
            """,
        subcommands: [
            PublishCommand.self, JobCommand.self, DoubtsCommand.self, PendingCommand.self, CodesCommand.self, RetryCommand.self,
            ResolveCommand.self,
        ])
}
