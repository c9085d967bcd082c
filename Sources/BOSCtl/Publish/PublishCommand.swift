import ArgumentParser
import Daemon
import ExactJSON
import JobModel

/// `bosctl publish …`: one command for each kind of job.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publishes jobs, and waits for their replies with --wait.",
        discussion: """
            It is safe to publish a job again under the same reference: the worker answers with the stored reply and does not \
            execute the job a second time.
            """,
        subcommands: [PublishRecharge.self, PublishRechargeStatus.self, PublishPANStatus.self])
}

/// `bosctl publish recharge`: it moves money.
struct PublishRecharge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "recharge", abstract: "Publishes recharges: jobs that move money.")

    @Option(name: .customLong("operator"), help: "The number of the mobile operator.") var operatorID: Int64?
    @Option(help: "The number to recharge.") var subscriber: String?
    @Option(help: "Rupees, with at most two decimals.") var amount: String?
    @Option(help: "The job's unique reference R; generated if absent. With --count N the references are R-1 to R-N.") var reference: String?
    @Option(help: "RegisterID; the worker's own if absent.") var registerID: String?
    @Option(help: "The worker sends nothing to BOS after this time, such as 2026-11-21T10:00:00Z.") var expiresAt: String?
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
        template.set("operator", to: .number(String(operatorID)))
        template.set("canumber", to: .string(subscriber))
        template.set("amount", to: .number(money.rupees))
        template.set("RegisterID", to: registerID)
        try template.set(expiresAt: expiresAt)
        return template
    }
}

/// `bosctl publish recharge-status`: it asks BOS what became of a recharge.
struct PublishRechargeStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recharge-status", abstract: "Publishes jobs that ask BOS what became of a recharge.")

    @Option(help: "The recharge's reference.") var reference: String?
    @Option(help: "RegisterID; the worker's own if absent.") var registerID: String?
    @Option(help: "The worker does not ask BOS after this time, such as 2026-11-21T10:00:00Z.") var expiresAt: String?
    @OptionGroup var publish: PublishOptions

    func run() async throws {
        try await publish.run(.rechargeStatus, template: publish.file == nil ? template() : nil)
    }

    private func template() throws -> JobTemplate {
        guard let reference else { throw ValidationError("give --reference, or --file with a job on each line") }
        var template = JobTemplate(referenceField: "referenceid", reference: reference)
        template.set("RegisterID", to: registerID)
        try template.set(expiresAt: expiresAt)
        return template
    }
}

/// `bosctl publish pan-status`: the worker follows a PAN application until BOS has decided it.
struct PublishPANStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pan-status", abstract: "Publishes jobs that follow PAN applications until BOS has decided them.",
        discussion:
            "The worker reports a pending application at once. The final reply may come weeks later, so choose --timeout with --wait.")

    @Option(help: "The reference that was given when the application was started.") var refID: String?
    @Option(help: "nep_key; the worker's own if absent.") var nepKey: String?
    @Option(help: "domain; the worker's own if absent.") var domain: String?
    @Option(help: "partnerId; the worker's own if absent.") var partnerID: String?
    @Option(help: "nep_id; the worker's own if absent.") var nepID: String?
    @Option(help: "The worker does not ask BOS after this time, such as 2026-11-21T10:00:00Z.") var expiresAt: String?
    @OptionGroup var publish: PublishOptions

    func run() async throws {
        try await publish.run(.panStatus, template: publish.file == nil ? template() : nil)
    }

    private func template() throws -> JobTemplate {
        guard let refID else { throw ValidationError("give --ref-id, or --file with a job on each line") }
        var template = JobTemplate(referenceField: "refid", reference: refID)
        template.set("nep_key", to: nepKey)
        template.set("domain", to: domain)
        template.set("partnerId", to: partnerID)
        template.set("nep_id", to: nepID)
        try template.set(expiresAt: expiresAt)
        return template
    }
}

/// The options that the publish commands share: how many jobs, how fast, and what to show.
struct PublishOptions: ParsableArguments {
    @Option(help: "How many jobs to publish.") var count = 1
    @Option(help: "Jobs per second. Without it, as fast as the broker confirms.") var rate: Double?
    @Option(help: "Publish each line of this file unchanged as the body of a job; - is the standard input.") var file: String?
    @Flag(help: "Wait for the final reply to each job.") var wait = false
    @Option(help: "How long to wait for replies after the last job is published, such as 500ms, 60s or 5m.")
    var timeout = ArgumentDuration(.seconds(60))
    @Flag(help: "Print one JSON object per line instead of a table.") var json = false
    @OptionGroup var broker: ConfigurationOptions

    func validate() throws {
        guard (1...10_000_000).contains(count) else { throw ValidationError("--count must be from 1 to 10000000") }
        guard rate.map({ $0 > 0 && $0 <= 1_000_000 }) ?? true else { throw ValidationError("--rate must be above 0, in jobs per second") }
        guard file == nil || count == 1 else { throw ValidationError("give --count or --file, not both") }
    }

    /// Publishes the jobs.
    /// - Parameter template: `nil` when the jobs come from a file.
    /// - Throws: the exit code, unless it is 0.
    func run(_ kind: JobKind, template: JobTemplate?) async throws {
        let batch =
            if let template { JobBatch(kind, template: template, count: count) } else { try JobBatch(kind, file: file ?? "-") }
        let settings = try broker.settings()
        let console = Console(isJSON: json)
        do {
            let publishRun = try PublishRun(batch, options: self, settings: settings, console: console)
            let code = try await publishRun.run()
            if code != .success { throw code }
        } catch let error as BrokerError {
            console.complain("\(error)")
            throw ExitCode(ProcessExit.notDrained.rawValue)
        }
    }
}
