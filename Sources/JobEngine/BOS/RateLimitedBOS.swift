package import JobModel
import Synchronization

/// BOS with its limits. Each call waits for the rate limit, is held back while the lane's breaker or a pause of BOS forbids it, and reports its
/// result to the lane.
package struct RateLimitedBOS: BOSGateway {
    private let bos: any BOSGateway
    private let lanes: Lanes
    private let rate: SharedRate
    private let credentials: CredentialsCheck
    private let merchant: KnownMerchant
    private let clock: any EngineClock
    private let underWay = CallsUnderWay()

    /// The longest wait for the rate limit. A job that would wait longer waits in the ledger instead.
    private static let patience = Duration.seconds(2)

    /// - Parameters:
    ///   - ratePerSecond: calls per second, of all kinds together. `nil`: no limit.
    ///   - merchant: the check whether BOS refuses one job's credentials or all credentials enquires for this merchant.
    package init(_ bos: any BOSGateway, lanes: Lanes, ratePerSecond: Double?, merchant: KnownMerchant, clock: any EngineClock) {
        self.bos = bos
        credentials = CredentialsCheck(bos, merchant: merchant, clock: clock)
        self.merchant = merchant
        self.lanes = lanes
        self.clock = clock
        rate = SharedRate(RateLimit(RateLimit.Configuration(perSecond: ratePerSecond)))
    }

    package func recharge(
        _ recharge: Recharge, permit: consuming RetryPermit, options: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        let lane = lanes.money
        lane.gate.recordCall()
        if let held = await held(lane) { return CallReport(.notTaken(.deferred(held.reason, retryAfter: held.wait)), note: held.note) }
        guard options.isTimely() else {
            return CallReport(
                .notTaken(.deferred(.late, retryAfter: nil)),
                note: "held back: expires_at has passed or too little time is left for an answer")
        }
        let start = clock.uptime()
        let call = underWay.begin(at: start)
        defer { underWay.end(call) }
        var report = await bos.recharge(recharge, permit: permit, options: options)
        if case .notTaken(.credentialsRefused) = report.event, await isOwnRefusal(options) {
            report.event = .notTaken(.ownCredentialsRefused(takesOthers: lane.takesCredentials, answer: report.refusal))
        }
        if case .answered = report.event { merchant.recordAnswer(to: recharge.registerID) }
        await lane.record(report.event.outcome, startedAt: start, note: report.note)
        return report
    }

    package func enquire(_ reference: String, registerID: String, options: CallOptions) async -> CallReport<Enquiry> {
        let lane = lanes.questions
        lane.gate.recordCall()
        if let held = await held(lane) { return CallReport(.deferred(held.reason, retryAfter: held.wait), note: held.note) }
        let start = clock.uptime()
        let call = underWay.begin(at: start)
        defer { underWay.end(call) }
        var report = await bos.enquire(reference, registerID: registerID, options: options)
        if case .unanswered(.credentialsRefused, _) = report.event, await isOwnRefusal(options) { report.event = .ownCredentialsRefused }
        await lane.record(report.event.outcome, startedAt: start, note: report.note)
        return report
    }

    package func panStatus(_ query: PANStatusQuery, options: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        let lane = lanes.questions
        lane.gate.recordCall()
        if let held = await held(lane) { return CallReport(.deferred(held.reason, retryAfter: held.wait), note: held.note) }
        let start = clock.uptime()
        let call = underWay.begin(at: start)
        defer { underWay.end(call) }
        var report = await bos.panStatus(query, options: options)
        if case .unanswered(.credentialsRefused, _) = report.event, await isOwnRefusal(options) { report.event = .ownCredentialsRefused }
        await lane.record(report.event.outcome, startedAt: start, note: report.note)
        return report
    }

    /// Whether BOS refused the credentials of this call only: there are no newer ones, and BOS accepts those of the configuration.
    private func isOwnRefusal(_ options: CallOptions) async -> Bool {
        if await bos.renewCredentials() { return false }
        return await credentials.areTaken(options)
    }

    package func renewCredentials() async -> Bool { await bos.renewCredentials() }

    /// How many calls are under way, and for how long the longest of them.
    package var callsUnderWay: (count: Int, longest: Duration) { underWay.state(at: clock.uptime()) }

    /// How many calls wait for the rate limit.
    package var callsWaitingForRate: Int { rate.waiting }

    /// Why a call may not be made now. `nil` once it may.
    private func held(_ lane: Lane) async -> (reason: WaitReason, wait: Duration?, note: String)? {
        guard lane.isFit else { return (.breakerOpen, nil, "held back: the breaker over BOS is open") }
        if let pause = lane.throttledFor { return (.throttled, pause, "held back: BOS asked for a pause") }
        guard let wait = await waitForRate(lane) else { return nil }
        return (.throttled, wait, "held back: api.ratePerSecond is used up")
    }

    /// Waits until a call may be made.
    /// - Returns: `nil`, or the remaining wait if it is too long to wait here.
    private func waitForRate(_ lane: Lane) async -> Duration? {
        let wait = rate.take(for: lane.name, at: clock.uptime())
        guard wait > .zero else { return nil }
        rate.beginWait()
        defer { rate.endWait() }
        let end = clock.uptime() + Self.patience
        while true {
            let wait = rate.take(for: lane.name, at: clock.uptime())
            guard wait > .zero else { return nil }
            // In a cancelled task a sleep returns at once, so the task must not wait in this loop.
            guard clock.uptime() + wait <= end, !Task.isCancelled else { return wait }
            await clock.sleep(for: wait)
        }
    }
}

/// The rate limit that all calls share. Recharges leave a part of it to queries.
private final class SharedRate: Sendable {
    private let limit: Mutex<RateLimit>
    private let waiters = Atomic(0)

    init(_ limit: RateLimit) { self.limit = Mutex(limit) }

    /// How many calls wait.
    var waiting: Int { waiters.load(ordering: .relaxed) }

    func beginWait() { waiters.add(1, ordering: .relaxed) }
    func endWait() { waiters.subtract(1, ordering: .relaxed) }

    func take(for lane: JobLane, at now: Duration) -> Duration {
        limit.withLock { $0.take(reserving: lane == .money ? $0.moneyReserve : 0, at: now) }
    }
}

extension RechargeMachine.Event {
    fileprivate var outcome: CallOutcome {
        switch self {
        case .answered(.refused, let answer, _):
            CallOutcome(quality: .answered, recharge: .refused(code: answer.responseCode ?? RefusalWatch.noCode))
        case .answered: CallOutcome(quality: .answered, recharge: .taken)
        case .notTaken(.postponed): CallOutcome(quality: .neutral, recharge: .postponed)
        case .notTaken(.ownCredentialsRefused): CallOutcome(quality: .neutral, recharge: .refused(code: RefusalWatch.credentials))
        case .unknown(_, let retryAfter): CallOutcome(quality: .failed, retryAfter: retryAfter)
        case .notTaken(.notSent), .enquiryUnanswered, .enquiryDeferred, .enquired: CallOutcome(quality: .failed)
        case .notTaken(.throttled(let retryAfter)): CallOutcome(quality: .throttled, retryAfter: retryAfter)
        case .notTaken(.credentialsRefused), .notTaken(.deferred): CallOutcome(quality: .neutral)
        }
    }
}

extension Enquiry {
    fileprivate var outcome: CallOutcome {
        switch self {
        case .found: CallOutcome(quality: .answered)
        case .ownCredentialsRefused: CallOutcome(quality: .neutral)
        case .unanswered(let reason, let retryAfter), .deferred(let reason, let retryAfter):
            CallOutcome(quality: reason.quality, retryAfter: retryAfter)
        }
    }
}

extension PANStatusMachine.Event {
    fileprivate var outcome: CallOutcome {
        switch self {
        case .found: CallOutcome(quality: .answered)
        case .ownCredentialsRefused: CallOutcome(quality: .neutral)
        case .unanswered(let reason, let retryAfter), .deferred(let reason, let retryAfter):
            CallOutcome(quality: reason.quality, retryAfter: retryAfter)
        }
    }
}

extension WaitReason {
    fileprivate var quality: CallQuality {
        switch self {
        case .notSent, .unanswered, .doubt: .failed
        case .throttled: .throttled
        case .credentialsRefused, .ownCredentialsRefused, .breakerOpen, .panPending, .postponed, .late: .neutral
        }
    }
}
