import Events
package import JobModel
package import Ledger
package import Logging
import Synchronization

/// Finds out whether the enquiry finds a recharge that certainly exists, for each merchant of this process and configuration.
///
/// Only then does "not found" mean anything. Source: bos-api.md#when-an-enquiry-settles-a-doubt. BOS can change, so that a finding is measured
/// again by the next recharge that BOS executes once it is older than ``lifetime``; until then it counts.
package final class EnquiryCalibrator: Sendable {
    /// What a calibration holds for.
    struct Key: Hashable {
        var registerID: String
        /// The kind of name that was asked for.
        var name: EngineConfiguration.EnquiryName
    }

    /// A recharge that exists.
    private struct Example {
        var recharge: Recharge
        var bosReference: String?
        /// How often the enquiry did not find it, and since when, in the clock's uptime.
        var misses = 0
        var missedSince: Duration?
    }

    private struct Finding {
        var calibration: Calibration
        /// BOS itself had said that it executed the recharge.
        var isCertain: Bool
        /// In the clock's uptime.
        var measuredAt: Duration
    }

    private struct State {
        var calibrations: [Key: Finding] = [:]
        /// What is being asked about, and the latest that came meanwhile.
        var examples: [Key: Example] = [:]
        var latest: [Key: Example] = [:]
    }

    private let gateway: any BOSGateway
    private let ledger: any Ledger
    private let configuration: EngineConfiguration
    private let clock: any EngineClock
    private let logger: Logger
    private let state = Mutex(State())
    private let wishes: AsyncStream<Key>
    private let wished: AsyncStream<Key>.Continuation

    /// Merchants that are remembered, and asked about at once, at the most. The one that was measured longest ago is forgotten, and untried again.
    private static let maximumMerchants = 256
    /// How long a finding counts before the next executed recharge is asked about.
    static let lifetime = Duration.seconds(3_600)
    /// How often the enquiry is asked about one example before it counts as blind: BOS may show an execution a moment later.
    private static let attempts = 4
    /// How long a recharge that is not found is held against the enquiry. Then the latest one decides: BOS may have lost the record of one for ever.
    static let memory = Duration.seconds(86_400)
    /// How often the question about what was never sent is asked before an answer that neither finds it nor says "not found" counts as "not
    /// found": BOS may refuse that question for ever, or have refused it by chance.
    private static let controls = 6

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

    /// What the enquiry was seen to do for this merchant, when it was asked for a recharge by this kind of name.
    package func calibration(of registerID: String, by name: EngineConfiguration.EnquiryName = .reference) -> Calibration {
        state.withLock { $0.calibrations[Key(registerID: registerID, name: name)]?.calibration ?? .untried }
    }

    /// What keeps doubts from being settled, one sentence for each merchant; for readiness and people.
    package var problems: [String] {
        state.withLock { state in
            state.calibrations.sorted { $0.key.registerID < $1.key.registerID }.compactMap { _, known in
                switch known.calibration {
                case .blind, .credulous:
                    "\(known.calibration.explanation): no doubt is settled by \"not found\" (check api.paths.enquiry and api.enquiry)"
                case .untried, .passed: nil
                }
            }
        }
    }

    /// Takes note of a recharge that BOS has just said it executed.
    func executed(_ recharge: Recharge, _ bosReference: String?) {
        let now = clock.uptime()
        for name in configuration.enquiresBy.kinds(bosReference) {
            let key = Key(registerID: recharge.registerID, name: name)
            if state.withLock({ Self.take(recharge, bosReference, key, at: now, &$0) }) { wished.yield(key) }
        }
    }

    /// Asks at once about a recharge that an enquiry has found. What comes of it holds until BOS executes one.
    func calibrate(byFound recharge: Recharge, _ bosReference: String?, _ name: EngineConfiguration.EnquiryName) async {
        let example = Example(recharge: recharge, bosReference: bosReference)
        guard case .shows(let calibration, isSure: true) = await ask(about: example, name) else { return }
        conclude(calibration, Key(registerID: recharge.registerID, name: name), isCertain: false)
    }

    /// Whether the key is to be calibrated by this recharge from now on. Nearly always it is calibrated already, and nothing is made.
    private static func take(
        _ recharge: Recharge, _ bosReference: String?, _ key: Key, at now: Duration, _ state: inout State
    ) -> Bool {
        if let known = state.calibrations[key], known.calibration.findsRecharges, known.isCertain, now - known.measuredAt < lifetime {
            return false
        }
        let example = Example(recharge: recharge, bosReference: bosReference)
        guard state.examples[key] != nil else {
            guard state.examples.count < maximumMerchants else { return false }
            state.examples[key] = example
            return true
        }
        // One example is asked about until it is found: what the enquiry finds of others says nothing about the recharges that it does not find.
        state.latest[key] = example
        return false
    }

    /// Asks about each example until the enquiry of its merchant is calibrated. Ends when cancelled.
    package func run() async {
        await takeStock()
        await withDiscardingTaskGroup { group in
            for await key in wishes { group.addTask { await self.calibrate(key) } }
            group.cancelAll()
        }
    }

    /// Begins with recharges that an earlier process has sent to the same API: the newest one, and one of each merchant that has doubts.
    private func takeStock() async {
        guard let newest = try? await ledger.lastExecuted(sentTo: configuration.policy.destination) else { return }
        let doubtful = await merchantsInDoubt()
        for (place, record) in newest.enumerated() {
            guard case .recharge(let recharge) = record.job, place == 0 || doubtful.contains(recharge.registerID) else { continue }
            executed(recharge, record.progress.bosReference)
        }
    }

    private func merchantsInDoubt() async -> Set<String> {
        var merchants: Set<String> = []
        for state in [JobState.sending, .inDoubt] {
            let records = (try? await ledger.jobs(.recharge, in: state, limit: 10_000)) ?? []
            merchants.formUnion(records.compactMap(\.job.registerID))
        }
        return merchants
    }

    private func calibrate(_ key: Key) async {
        var (rounds, unsure) = (0, 0)
        while !Task.isCancelled, let example = state.withLock({ $0.examples[key] }) {
            switch await ask(about: example, key.name) {
            case .shows(let calibration, let isSure):
                unsure += isSure ? 0 : 1
                guard isSure || unsure >= Self.controls else { break }
                conclude(calibration, key, isCertain: true)
                if calibration.findsRecharges { return }
                unsure = 0
            case .doesNotFind: missed(key)
            case .unanswered: break
            }
            rounds += 1
            await clock.sleep(for: .seconds(1) * Double(1 << min(rounds, 6)))
        }
    }

    /// The enquiry did not find the example of this key.
    private func missed(_ key: Key) {
        let now = clock.uptime()
        let misses = state.withLock { state in
            let since = state.examples[key]?.missedSince ?? now
            state.examples[key]?.missedSince = since
            state.examples[key]?.misses += 1
            let misses = state.examples[key]?.misses ?? 0
            if now - since >= Self.memory, let latest = state.latest.removeValue(forKey: key) { state.examples[key] = latest }
            return misses
        }
        // What was seen to find everything does not get better by finding nothing now and then.
        guard misses >= Self.attempts, calibration(of: key.registerID, by: key.name) != .credulous else { return }
        conclude(.blind, key, isCertain: true)
    }

    private enum Observation {
        /// - Parameter isSure: BOS was heard to say of what was never sent that it is found, or that it is not.
        case shows(Calibration, isSure: Bool)
        case doesNotFind
        /// BOS gave no answer, or has not decided: it shows nothing.
        case unanswered
    }

    /// What the enquiry shows about a recharge that exists.
    private func ask(about example: Example, _ name: EngineConfiguration.EnquiryName) async -> Observation {
        switch await enquire(name.name(example.recharge.reference, bosReference: example.bosReference), example.recharge.registerID).event {
        case .unanswered, .heldBack, .ownCredentialsRefused, .found(.pending, _, _): return .unanswered
        case .found(.notFound, _, _), .found(.declined, _, _), .found(.failed, _, _): return .doesNotFind
        case .found(.succeeded, _, let subject):
            guard let calibration = subject.calibration(by: example.recharge, bosReference: example.bosReference) else {
                return .doesNotFind
            }
            return await control(example, calibration)
        }
    }

    /// Asks about what was never sent. An enquiry that finds it would settle any doubt.
    /// - Parameter calibration: what the enquiry has shown of the recharge that exists.
    private func control(_ example: Example, _ calibration: Calibration) async -> Observation {
        let report = await enquire(PauseProbe.reference, example.recharge.registerID)
        switch report.event {
        case .found(.succeeded, _, _), .found(.failed, _, _): return .shows(.credulous, isSure: true)
        case .found(.notFound, _, _): return .shows(calibration, isSure: true)
        case .found(.declined, _, _): return .shows(calibration, isSure: false)
        case .found(.pending, _, _), .heldBack: return .unanswered
        case .unanswered, .ownCredentialsRefused: return report.isAnswered ? .shows(calibration, isSure: false) : .unanswered
        }
    }

    private func enquire(_ name: String, _ registerID: String) async -> CallReport<Enquiry> {
        await gateway.enquire(name, registerID: registerID, CallOptions(traceparent: nil, timeout: configuration.requestTimeout))
    }

    func conclude(_ calibration: Calibration, _ key: Key, isCertain: Bool) {
        let finding = Finding(calibration: calibration, isCertain: isCertain, measuredAt: clock.uptime())
        let isNews = state.withLock { state in
            if !isCertain, state.calibrations[key]?.isCertain == true || state.examples[key]?.missedSince != nil { return false }
            if isCertain, calibration.findsRecharges { (state.examples[key], state.latest[key]) = (nil, nil) }
            if state.calibrations[key] == nil, state.calibrations.count >= Self.maximumMerchants {
                let oldest = state.calibrations.min { $0.value.measuredAt < $1.value.measuredAt }
                if let oldest { state.calibrations[oldest.key] = nil }
            }
            return state.calibrations.updateValue(finding, forKey: key)?.calibration != calibration
        }
        guard isNews else { return }
        switch calibration {
        case .passed: logger.log(.enquiryReliable, metadata: ["calibration": "\(calibration)"])
        case .untried, .blind, .credulous:
            logger.log(.enquiryUnreliable, metadata: ["detail": "\(calibration.explanation)"])
        }
    }
}
