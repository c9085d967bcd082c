import BOSSimulatorKit
import JobModel
import Logging
import Testing

@testable import BOSClient

/// Runs `body` with a client for this base URL and shuts the client down afterwards.
/// - Parameter change: changes the default configuration.
func withClient<Result>(
    _ baseURL: String, clock: BOSClock = .system, configure change: (inout BOSConfiguration) -> Void = { _ in },
    body: (BOSClient) async throws -> Result
) async throws -> Result {
    var configuration = BOSConfiguration()
    configuration.baseURL = baseURL
    change(&configuration)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let client = try BOSClient(configuration: configuration, clock: clock, logger: logger)
    do {
        let result = try await body(client)
        await client.shutdown()
        return result
    } catch {
        await client.shutdown()
        throw error
    }
}

/// Runs `body` while a simulator serves on a free port.
/// - Parameter change: changes the default configuration.
func withSimulator(
    configure change: (inout Simulator.Configuration) -> Void = { _ in }, body: (_ address: String) async throws -> Void
) async throws {
    var configuration = Simulator.Configuration()
    change(&configuration)
    try await Simulator(configuration: configuration).serve(while: body)
}

extension Recharge {
    static func sample(_ reference: String = "r1") -> Recharge {
        Recharge(operatorID: 311, subscriber: "DL12CB4685", amount: Money(paise: 1_050), reference: reference, registerID: "1234")
    }
}

extension Attempt {
    /// The attempt's case and reason as one word, so that tests can compare without comparing details.
    var outcome: String {
        switch self {
        case .notSent(let reason, _): "notSent.\(reason.rawValue)"
        case .throttled(let facts): "throttled(\(facts.retryAfter.map { "\($0)" } ?? "nil"))"
        case .postponed: "postponed"
        case .credentialsRefused(let facts, _): "credentialsRefused(\(facts.responseCode.map(String.init) ?? "nil"))"
        case .unknown(let reason, _, _): "unknown.\(reason.rawValue)"
        case .answered(let answer as RechargeAnswer): answer.text
        case .answered(let answer as EnquiryAnswer): "\(answer.finding)"
        case .answered(let answer as PANAnswer): answer.text
        case .answered: "answered"
        }
    }

    var detail: String? {
        switch self {
        case .notSent(_, let detail), .unknown(_, let detail, _): detail
        case .throttled, .postponed, .credentialsRefused, .answered: nil
        }
    }
}

extension RechargeAnswer {
    fileprivate var text: String {
        guard case .refused(let isFinal) = meaning else { return "\(meaning)" }
        return "refused(code: \(facts.responseCode.map { "Optional(\($0))" } ?? "nil"), isFinal: \(isFinal))"
    }
}

extension PANAnswer {
    fileprivate var text: String {
        guard case .failed = finding else { return "\(finding)" }
        return "failed(code: \(facts.responseCode.map { "Optional(\($0))" } ?? "nil"))"
    }
}
