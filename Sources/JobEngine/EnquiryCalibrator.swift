package import JobModel
package import Ledger
package import Logging
import Synchronization

/// Finds out whether the enquiry finds a recharge that certainly exists, once for each merchant of this process and configuration.
///
/// Only then does "not found" mean anything. Source: bos-api.md, RechargesStatus.
package final class EnquiryCalibrator: Sendable {
    /// A recharge that BOS has said it executed.
    private struct Example {
        var recharge: Recharge
        var bosReference: String?
    }

    private struct State {
        var calibrations: [String: Calibration] = [:]
        /// The latest example of each merchant whose calibration has not passed.
        var examples: [String: Example] = [:]
    }

    private let gateway: any BOSGateway
    private let ledger: any Ledger
    private let configuration: EngineConfiguration
    private let clock: any EngineClock
    private let logger: Logger
    private let state = Mutex(State())
    private let wishes: AsyncStream<String>
    private let wished: AsyncStream<String>.Continuation

    /// Merchants that are remembered at the most. Those beyond stay untried.
    private static let maximumMerchants = 256
    /// How often the enquiry is asked about one example before it counts as blind: BOS may show an execution a moment later.
    private static let attempts = 4

    package init(
        gateway: any BOSGateway, ledger: any Ledger, configuration: EngineConfiguration, clock: any EngineClock, logger: Logger
    ) {
        self.gateway = gateway
        self.ledger = ledger
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        (wishes, wished) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maximumMerchants))
    }

    /// What the enquiry was seen to do for this merchant.
    package func calibration(of registerID: String) -> Calibration { state.withLock { $0.calibrations[registerID] ?? .untried } }

    /// What keeps doubts from being settled, one sentence for each merchant; for readiness and people.
    package var problems: [String] {
        state.withLock { state in
            state.calibrations.sorted { $0.key < $1.key }.compactMap { _, calibration in
                switch calibration {
                case .blind, .credulous:
                    "\(calibration.explanation): no doubt is settled by \"not found\" (check api.paths.enquiry and api.enquiry)"
                case .untried, .passed: nil
                }
            }
        }
    }

    /// Takes note of a recharge that BOS has just executed.
    func executed(_ recharge: Recharge, _ bosReference: String?) {
        let isWanted = state.withLock { state in
            guard state.calibrations[recharge.registerID]?.findsRecharges != true else { return false }
            let isKnown = state.examples[recharge.registerID] != nil
            guard isKnown || state.examples.count < Self.maximumMerchants else { return false }
            state.examples[recharge.registerID] = Example(recharge: recharge, bosReference: bosReference)
            return !isKnown
        }
        if isWanted { wished.yield(recharge.registerID) }
    }

    /// Asks about each example until the enquiry of its merchant is calibrated. Ends when cancelled.
    package func run() async {
        await takeStock()
        await withDiscardingTaskGroup { group in
            for await registerID in wishes { group.addTask { await self.calibrate(registerID) } }
            group.cancelAll()
        }
    }

    /// Begins with a recharge that an earlier process has sent to the same API, if there is one.
    private func takeStock() async {
        guard let record = try? await ledger.lastExecuted(sentTo: configuration.policy.destination),
            case .recharge(let recharge) = record.job
        else { return }
        executed(recharge, record.progress.bosReference)
    }

    private func calibrate(_ registerID: String) async {
        var failures = 0
        while !Task.isCancelled, let example = state.withLock({ $0.examples[registerID] }) {
            switch await ask(about: example) {
            case .shows(let calibration):
                conclude(calibration, registerID)
                if calibration.findsRecharges { return }
                failures += 1
            case .doesNotFind:
                failures += 1
                if failures == Self.attempts { conclude(.blind, registerID) }
            case .unanswered: break
            }
            await clock.sleep(for: .seconds(1) * Double(1 << min(failures, 6)))
        }
    }

    private enum Observation {
        case shows(Calibration)
        case doesNotFind
        /// BOS gave no answer, or has not decided: it shows nothing.
        case unanswered
    }

    /// What the enquiry shows about a recharge that certainly exists.
    private func ask(about example: Example) async -> Observation {
        let name = configuration.enquiresBy.name(example.recharge.reference, example.bosReference)
        switch await enquire(name, example.recharge.registerID).event {
        case .unanswered, .ownCredentialsRefused, .found(.pending, _, _): return .unanswered
        case .found(.notFound, _, _), .found(.declined, _, _), .found(.failed, _, _): return .doesNotFind
        case .found(.succeeded, _, let subject):
            guard let calibration = subject.calibration(by: example.recharge, bosReference: example.bosReference) else {
                return .doesNotFind
            }
            return .shows(await isCredulous(subject, example) ? .credulous : calibration)
        }
    }

    /// Where an answer names no recharge, an enquiry that says the same of every reference would settle any doubt.
    private func isCredulous(_ subject: Subject, _ example: Example) async -> Bool {
        guard !subject.hasData, case .found(.succeeded, _, _) = await enquire(PauseProbe.reference, example.recharge.registerID).event
        else {
            return false
        }
        return true
    }

    private func enquire(_ name: String, _ registerID: String) async -> CallReport<Enquiry> {
        await gateway.enquire(name, registerID: registerID, CallOptions(traceparent: nil, timeout: configuration.requestTimeout))
    }

    func conclude(_ calibration: Calibration, _ registerID: String) {
        let isNews = state.withLock { state in
            if calibration.findsRecharges { state.examples[registerID] = nil }
            return state.calibrations.updateValue(calibration, forKey: registerID) != calibration
        }
        guard isNews else { return }
        switch calibration {
        case .passed: logger.notice("the enquiry finds recharges", metadata: ["calibration": "\(calibration)"])
        case .untried, .blind, .credulous:
            logger.error(
                "the enquiry cannot be relied on: no doubt is settled by \"not found\"", metadata: ["detail": "\(calibration.explanation)"])
        }
    }
}
