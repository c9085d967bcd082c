import ArgumentParser
import JobModel

/// `bosctl publish pan-status`: follows a PAN application until it is decided.
struct PublishPANStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pan-status", abstract: "Follows PAN applications until they are decided.",
        discussion: "A pending application is reported at once; its final reply may come weeks later, so --timeout matters with --wait.")

    @Option(help: "The reference given when the application was started.") var refID: String?
    @Option(help: "nep_key; the worker's own when absent.") var nepKey: String?
    @Option(help: "domain; the worker's own when absent.") var domain: String?
    @Option(help: "partnerId; the worker's own when absent.") var partnerID: String?
    @Option(help: "nep_id; the worker's own when absent.") var nepID: String?
    @Option(help: "BOS is not asked after this moment, such as 2026-11-21T10:00:00Z.") var expiresAt: String?
    @OptionGroup var publish: PublishOptions

    func run() async throws {
        try await publish.run(.panStatus, template: publish.file == nil ? template() : nil)
    }

    private func template() throws -> JobTemplate {
        guard let refID else { throw ValidationError("give --ref-id, or --file with a job on each line") }
        var template = JobTemplate(referenceField: "refid", reference: refID)
        template.add("nep_key", nepKey)
        template.add("domain", domain)
        template.add("partnerId", partnerID)
        template.add("nep_id", nepID)
        try template.add(expiresAt: expiresAt)
        return template
    }
}
