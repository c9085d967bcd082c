import ArgumentParser
internal import BOSSimulatorKit
private import Foundation

/// `bos-simulator serve`, and `bos-simulator` without a subcommand: a stand-in for BOS on this machine.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serves a stand-in for the BOS HTTP API with a fault plan.",
        discussion: """
            Faults of a call (each call has at most one):
            \(Fault.help(ofFates: false))

            Fates of a reference (each is drawn independently):
            \(Fault.help(ofFates: true))

            Example: --fault DoRecharge/answerLost=0.05 --fault blindEnquiry:3=1 --fault authentication@M2=1 --latency 5ms-50ms --seed 7

            Requests to the simulator itself: GET /simulator/books (with ?references=1 by reference); GET and PUT /simulator/faults; \
            POST /simulator/reset; GET /simulator/health.
            """)

    @Option(help: "The address to listen on.") var host = "127.0.0.1"
    @Option(help: "The port; 0 lets the system choose one.") var port = 8090
    @Option(help: "A file into which the simulator writes its port when it listens.") var portFile: String?
    @Option(help: "The path in front of DoRecharge, RechargesStatus and Status.") var basePath = "/api/BOS"
    @Option(help: "A fault plan as a JSON file. The other options are added to it.") var plan: String?
    @Option(name: .customLong("fault"), help: "A fault: [ENDPOINT/]NAME[:VALUE][@REGISTERID]=PROBABILITY. May be repeated.")
    var faults: [String] = []
    @Option(
        help:
            "The form of answers: real (as the provider's clients show them), page (as on its public page), upstream (as of the provider behind it)."
    )
    var shape = ReplyShape.real
    @Option(
        help:
            "The refid in answers: own (BOS's own number) or ours (the referenceid). The default is own with --shape real, otherwise ours.")
    var refid: RefID?
    @Option(help: "The names by which an enquiry finds a recharge: referenceid, refid (BOS's own number) or both.")
    var enquiryNames = EnquiryNames.referenceid
    @Flag(help: "No enquiry ever finds a recharge, executed or not.") var blind = false
    @Option(help: "The time until an answer: 5ms, 5ms-50ms or lognormal:20ms,0.5 (median, sigma).") var latency: String?
    @Option(help: "The seed of every decision.") var seed: UInt64?
    @Flag(help: "Refuses calls without a token from the authorise call.") var requireToken = false
    @Option(help: "A token that is always accepted.") var token: String?
    @Option(help: "The client secret that the authorise call accepts. By default it accepts any.") var clientSecret: String?
    @Option(help: "The lifetime of a token in seconds.") var tokenLifetime = 600

    func run() async throws {
        let portFile = portFile
        do {
            try await Simulator(configuration: simulatorConfiguration()).runUntilSignal { address in
                print("bos-simulator listens on \(address)")
                fflush(nil)
                if let portFile, let port = address.split(separator: ":").last {
                    do {
                        try "\(port)\n".write(toFile: portFile, atomically: true, encoding: .utf8)
                    } catch {
                        FileHandle.standardError.write(Data("bos-simulator: the port file could not be written: \(error)\n".utf8))
                    }
                }
            }
        } catch let error as FaultPlanError {
            throw ValidationError(error.description)
        }
    }

    private func simulatorConfiguration() throws -> Simulator.Configuration {
        var configuration = Simulator.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.basePath = basePath
        configuration.isTokenRequired = requireToken
        configuration.fixedToken = token
        configuration.clientSecret = clientSecret
        configuration.tokenLifetime = .seconds(tokenLifetime)
        configuration.shape = shape
        configuration.hasOwnNumber = refid.map { $0 == .own }
        configuration.enquiryNames = enquiryNames
        configuration.isBlind = blind
        if let plan {
            guard let json = FileManager.default.contents(atPath: plan) else {
                throw ValidationError("the fault plan \(plan) cannot be read; check the path and its permissions")
            }
            configuration.plan = try FaultPlan(json: Array(json))
        }
        configuration.plan.faults += try faults.map { try FaultRule(parsing: $0) }
        if let latency { configuration.plan.latency = try Latency(parsing: latency) }
        if let seed { configuration.plan.seed = seed }
        try configuration.plan.check()
        return configuration
    }
}

/// Which number `refid` in answers is.
enum RefID: String, ExpressibleByArgument, CaseIterable {
    case own
    case ours
}

extension ReplyShape: ExpressibleByArgument {}
extension EnquiryNames: ExpressibleByArgument {}
