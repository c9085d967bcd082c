import ArgumentParser
import JobModel

/// `bosctl publish recharge-status`: asks what became of a recharge.
struct PublishRechargeStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "recharge-status", abstract: "Asks BOS what became of a recharge.")

    @Option(help: "The recharge's reference.") var reference: String?
    @Option(help: "RegisterID; the worker's own when absent.") var registerID: String?
    @Option(help: "BOS is not asked after this moment, such as 2026-11-21T10:00:00Z.") var expiresAt: String?
    @OptionGroup var publish: PublishOptions

    func run() async throws {
        try await publish.run(.rechargeStatus, template: publish.file == nil ? template() : nil)
    }

    private func template() throws -> JobTemplate {
        guard let reference else { throw ValidationError("give --reference, or --file with a job on each line") }
        var template = JobTemplate(referenceField: "referenceid", reference: reference)
        template.add("RegisterID", registerID)
        try template.add(expiresAt: expiresAt)
        return template
    }
}
