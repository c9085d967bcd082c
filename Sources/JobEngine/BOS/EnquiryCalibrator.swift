import Events
package import JobModel
package import Ledger
package import Logging
import Synchronization

/// Finds out for each merchant of this process and configuration whether enquiries find a recharge that certainly exists.
///
/// "Not found" proves something only if they do. Source: bos-api.md#when-an-enquiry-settles-a-doubt. BOS can change, so a calibration that is
/// older than ``lifetime`` is measured again with the next recharge that BOS executes. Until then it counts.
package final class EnquiryCalibrator: Sendable {
    /// What a calibration holds for.
    struct Key: Hashable {
        var registerID: String
        /// The kind of name that the enquiry used.
        var name: EngineConfiguration.EnquiryName
    }

    /// A recharge that certainly exists.
    private struct Example {
        var recharge: Recharge
        var bosReference: String?
        /// How many enquiries did not find it, and when the first one was, in the clock's uptime.
        var misses = 0
        var missedSince: Duration?
    }

    private struct Finding {
        var calibration: Calibration
        /// BOS had confirmed the recharge in its answer to `DoRecharge`.
        var isCertain: Bool
        /// In the clock's uptime.
        var measuredAt: Duration
    }

    private struct State {
        var calibrations: [Key: Finding] = [:]
        /// The recharge that the calibrator enquires about, and the latest one that was executed since.
        var examples: [Key: Example] = [:]
        var latest: [Key: Example] = [:]

        /// Takes a new example for the key, unless the key has a fresh calibration by a certain recharge, which it nearly always has.
        /// - Returns: `true` if the calibration of the key has to begin.
        mutating func begins(_ key: Key, at now: Duration, with example: () -> Example) -> Bool {
            if let known = calibrations[key], known.calibration.findsRecharges, known.isCertain,
                now - known.measuredAt < EnquiryCalibrator.lifetime
            {
                return false
            }
            guard examples[key] != nil else {
                guard examples.count < EnquiryCalibrator.maximumMerchants else { return false }
                examples[key] = example()
                return true
            }
            // The calibrator enquires about one example until BOS finds it. That BOS finds other recharges says nothing about those that it
            // does not find.
            latest[key] = example()
            return false
        }
    }

    private let gateway: any BOSGateway
    private let ledger: any Ledger
    private let configuration: EngineConfiguration
    private let clock: any EngineClock
    private let logger: Logger
    private let state = Mutex(State())
    private let requests: AsyncStream<Key>
    private let requester: AsyncStream<Key>.Continuation

    /// The most merchants that are remembered, and that are calibrated at the same time. The one that was measured longest ago is forgotten, and is
    /// untried again.
    private static let maximumMerchants = 256
    /// The age from which a calibration is measured again.
    static let lifetime = Duration.seconds(3_600)
    /// After so many enquiries that did not find the example, the enquiry counts as blind. One is not enough, because BOS may show an execution late.
    private static let attempts = 4
    /// How long a recharge that is not found counts against the enquiry. After that the latest recharge decides, because BOS may have lost the record
    /// of one recharge for ever.
    static let memory = Duration.seconds(86_400)
    /// After so many answers about a recharge that does not exist which say neither "found" nor "not found", they count as "not found". BOS may
    /// refuse that enquiry always, or may have refused it by chance.
    private static let controls = 6

    /// - Parameter gateway: BOS with its limits, so that calibrations count as calls.
    package init(
        gateway: any BOSGateway, ledger: any Ledger, configuration: EngineConfiguration, clock: any EngineClock, logger: Logger
    ) {
        self.gateway = gateway
        self.ledger = ledger
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        (requests, requester) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maximumMerchants))
    }

    /// What enquiries of this merchant that used this kind of name have shown.
    package func calibration(of registerID: String, by name: EngineConfiguration.EnquiryName = .reference) -> Calibration {
        state.withLock { $0.calibrations[Key(registerID: registerID, name: name)]?.calibration ?? .untried }
    }

    /// Why doubts cannot be resolved by "not found", one sentence for each merchant. Readiness shows it.
    package var problems: [String] {
        state.withLock { state in
            state.calibrations.sorted { $0.key.registerID < $1.key.registerID }.compactMap { _, known in
                switch known.calibration {
                case .blind, .credulous:
                    "\(known.calibration.explanation): \"not found\" resolves no doubt (check api.paths.enquiry and api.enquiry)"
                case .untried, .passed: nil
                }
            }
        }
    }

    /// Records a recharge that BOS confirmed as executed. If necessary, its merchant is calibrated with it.
    /// - Parameter bosReference: BOS's own name of the recharge, if it has one.
    func recordExecution(of recharge: Recharge, bosReference: String?) {
        let now = clock.uptime()
        for name in configuration.enquiresBy.kinds(bosReference) {
            let key = Key(registerID: recharge.registerID, name: name)
            if state.withLock({ $0.begins(key, at: now) { Example(recharge: recharge, bosReference: bosReference) } }) {
                requester.yield(key)
            }
        }
    }

    /// Calibrates at once with a recharge that an enquiry has found. The result holds until BOS executes a recharge.
    func calibrate(byFound recharge: Recharge, bosReference: String?, name: EngineConfiguration.EnquiryName) async {
        let example = Example(recharge: recharge, bosReference: bosReference)
        guard case .shows(let calibration, isSure: true) = await observe(example, by: name) else { return }
        conclude(calibration, for: Key(registerID: recharge.registerID, name: name), isCertain: false)
    }

    /// Enquires about each example until its merchant is calibrated. Ends when the task is cancelled.
    package func run() async {
        await loadExamples()
        await withDiscardingTaskGroup { group in
            for await key in requests { group.addTask { await self.calibrate(key) } }
            group.cancelAll()
        }
    }

    /// Begins with recharges that an earlier process sent to the same API: the newest one, and one of each merchant with doubts.
    private func loadExamples() async {
        guard let newest = try? await ledger.lastExecuted(sentTo: configuration.policy.destination) else { return }
        let doubtful = await merchantsInDoubt()
        for (place, record) in newest.enumerated() {
            guard case .recharge(let recharge) = record.job, place == 0 || doubtful.contains(recharge.registerID) else { continue }
            recordExecution(of: recharge, bosReference: record.progress.bosReference)
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
            switch await observe(example, by: key.name) {
            case .shows(let calibration, let isSure):
                unsure += isSure ? 0 : 1
                guard isSure || unsure >= Self.controls else { break }
                conclude(calibration, for: key, isCertain: true)
                if calibration.findsRecharges { return }
                unsure = 0
            case .doesNotFind: recordMiss(of: key)
            case .unanswered: break
            }
            rounds += 1
            await clock.sleep(for: .seconds(1) * Double(1 << min(rounds, 6)))
        }
    }

    /// Records that the enquiry did not find the example of this key.
    private func recordMiss(of key: Key) {
        let now = clock.uptime()
        let misses = state.withLock { state in
            let since = state.examples[key]?.missedSince ?? now
            state.examples[key]?.missedSince = since
            state.examples[key]?.misses += 1
            let misses = state.examples[key]?.misses ?? 0
            if now - since >= Self.memory, let latest = state.latest.removeValue(forKey: key) { state.examples[key] = latest }
            return misses
        }
        // An enquiry that finds what does not exist stays credulous, even if it sometimes finds nothing.
        guard misses >= Self.attempts, calibration(of: key.registerID, by: key.name) != .credulous else { return }
        conclude(.blind, for: key, isCertain: true)
    }

    private enum Observation {
        /// - Parameter isSure: BOS answered "found" or "not found" about a recharge that does not exist.
        case shows(Calibration, isSure: Bool)
        case doesNotFind
        /// BOS gave no answer, or no decision. That shows nothing.
        case unanswered
    }

    /// What the enquiry shows about a recharge that exists.
    private func observe(_ example: Example, by name: EngineConfiguration.EnquiryName) async -> Observation {
        let reference = name.name(example.recharge.reference, bosReference: example.bosReference)
        switch await enquire(reference, registerID: example.recharge.registerID).event {
        case .unanswered, .deferred, .ownCredentialsRefused, .found(.pending, _, _): return .unanswered
        case .found(.notFound, _, _), .found(.declined, _, _), .found(.failed, _, _): return .doesNotFind
        case .found(.succeeded, _, let subject):
            guard let calibration = subject.calibration(by: example.recharge, bosReference: example.bosReference) else {
                return .doesNotFind
            }
            return await control(example, seen: calibration)
        }
    }

    /// Enquires about a recharge that does not exist. An enquiry that finds it would find anything.
    /// - Parameter calibration: what the enquiry has shown about the recharge that exists.
    private func control(_ example: Example, seen calibration: Calibration) async -> Observation {
        let report = await enquire(PauseProbe.reference, registerID: example.recharge.registerID)
        switch report.event {
        case .found(.succeeded, _, _), .found(.failed, _, _): return .shows(.credulous, isSure: true)
        case .found(.notFound, _, _): return .shows(calibration, isSure: true)
        case .found(.declined, _, _): return .shows(calibration, isSure: false)
        case .found(.pending, _, _), .deferred: return .unanswered
        case .unanswered, .ownCredentialsRefused: return report.isAnswered ? .shows(calibration, isSure: false) : .unanswered
        }
    }

    private func enquire(_ reference: String, registerID: String) async -> CallReport<Enquiry> {
        let options = CallOptions(traceparent: nil, timeout: configuration.requestTimeout)
        return await gateway.enquire(reference, registerID: registerID, options: options)
    }

    /// Stores a calibration and logs a change.
    /// - Parameter isCertain: BOS had confirmed the example in its answer to `DoRecharge`. A certain calibration is never replaced by another one.
    func conclude(_ calibration: Calibration, for key: Key, isCertain: Bool) {
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
