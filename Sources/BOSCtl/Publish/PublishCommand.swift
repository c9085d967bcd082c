import ArgumentParser

/// `bosctl publish …`: one command for each kind of job.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publishes jobs, and waits for their replies with --wait.",
        discussion: """
            A reference that was used before is safe to publish again: the same job is answered with the stored reply and not \
            executed a second time.
            """,
        subcommands: [PublishRecharge.self, PublishRechargeStatus.self, PublishPANStatus.self])
}
