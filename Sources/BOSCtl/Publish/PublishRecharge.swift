import ArgumentParser
import ExactJSON
import JobModel

/// `bosctl publish recharge`: moves money.
struct PublishRecharge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "recharge", abstract: "Publishes recharges: jobs that move money.")

    @Option(name: .customLong("operator"), help: "The operator's number.") var operatorID: Int64?
    @Option(help: "The number to recharge.") var subscriber: String?
    @Option(help: "Rupees, with at most two decimals.") var amount: String?
    @Option(help: "The job's unique reference; made up when absent. With --count N they are R-1 to R-N.") var reference: String?
    @Option(help: "RegisterID; the worker's own when absent.") var registerID: String?
    @Option(help: "Nothing is sent to BOS after this moment, such as 2026-11-21T10:00:00Z.") var expiresAt: String?
    @OptionGroup var publish: PublishOptions

    func run() async throws {
        try await publish.run(.recharge, template: publish.file == nil ? template() : nil)
    }

    private func template() throws -> JobTemplate {
        guard let operatorID, let subscriber, let amount else {
            throw ValidationError("give --operator, --subscriber and --amount, or --file with a job on each line")
        }
        guard let money = Money(rupees: amount) else {
            throw ValidationError("--amount must be rupees with at most two decimals, such as 10 or 10.50")
        }
        var template = JobTemplate(referenceField: "referenceid", reference: reference)
        template.add("operator", .number(String(operatorID)))
        template.add("canumber", .string(subscriber))
        template.add("amount", .number(money.rupees))
        template.add("RegisterID", registerID)
        try template.add(expiresAt: expiresAt)
        return template
    }
}
