package import JobModel
import Synchronization

/// BOS behind its limits: each call waits for the rate, is held back while BOS is not fit for it, and tells how BOS is.
package struct RateLimitedBOS: BOSGateway {
    private let bos: any BOSGateway
    private let lanes: Lanes
    private let rate: SharedRate
    private let credentials: CredentialsCheck
    private let merchant: KnownMerchant
    private let clock: any EngineClock

    /// Longer than this nobody waits here for the rate: the job waits in the ledger instead.
    private static let patience = Duration.seconds(2)

    /// - Parameter ratePerSecond: calls of all kinds together; `nil`: no limit.
    /// - Parameter merchant: by whose credentials those of a job are told from all others'.
    package init(_ bos: any BOSGateway, lanes: Lanes, ratePerSecond: Double?, merchant: KnownMerchant, clock: any EngineClock) {
        self.bos = bos
        credentials = CredentialsCheck(bos, merchant: merchant, clock: clock)
        self.merchant = merchant
        self.lanes = lanes
        self.clock = clock
        rate = SharedRate(RateLimit(RateLimit.Configuration(perSecond: ratePerSecond)))
    }

    package func recharge(
        _ permit: consuming RetryPermit, _ recharge: Recharge, _ call: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        let lane = lanes.money
        lane.gate.noteCall()
        if let held = await held(lane) { return CallReport(.notTaken(.heldBack(held.reason, retryAfter: held.wait)), note: held.note) }
        guard call.isTimely() else {
            return CallReport(
                .notTaken(.heldBack(.late, retryAfter: nil)),
                note: "held back: expires_at has passed or too little time is left for an answer")
        }
        let start = clock.uptime()
        var report = await bos.recharge(permit, recharge, call)
        if case .notTaken(.credentialsRefused) = report.event, await isOwnRefusal(call) {
            report.event = .notTaken(.ownCredentialsRefused(takesOthers: lane.takesCredentials, report.refusal))
        }
        if case .answered = report.event { merchant.note(recharge.registerID) }
        await lane.record(report.event.outcome, startedAt: start, note: report.note)
        return report
    }

    package func enquire(_ reference: String, registerID: String, _ call: CallOptions) async -> CallReport<Enquiry> {
        let lane = lanes.questions
        lane.gate.noteCall()
        if let held = await held(lane) { return CallReport(.heldBack(held.reason, retryAfter: held.wait), note: held.note) }
        let start = clock.uptime()
        var report = await bos.enquire(reference, registerID: registerID, call)
        if case .unanswered(.credentialsRefused, _) = report.event, await isOwnRefusal(call) { report.event = .ownCredentialsRefused }
        await lane.record(report.event.outcome, startedAt: start, note: report.note)
        return report
    }

    package func panStatus(_ query: PANStatusQuery, _ call: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        let lane = lanes.questions
        lane.gate.noteCall()
        if let held = await held(lane) { return CallReport(.heldBack(held.reason, retryAfter: held.wait), note: held.note) }
        let start = clock.uptime()
        var report = await bos.panStatus(query, call)
        if case .unanswered(.credentialsRefused, _) = report.event, await isOwnRefusal(call) { report.event = .ownCredentialsRefused }
        await lane.record(report.event.outcome, startedAt: start, note: report.note)
        return report
    }

    /// Whether BOS refused the credentials of this one call only: no newer ones are at hand, and those of the configuration are taken.
    private func isOwnRefusal(_ call: CallOptions) async -> Bool {
        if await bos.renewCredentials() { return false }
        return await credentials.areTaken(call)
    }

    package func renewCredentials() async -> Bool { await bos.renewCredentials() }

    /// Why a call may not be made now, or `nil` once it may.
    private func held(_ lane: Lane) async -> (reason: WaitReason, wait: Duration?, note: String)? {
        guard lane.isFit else { return (.breakerOpen, nil, "held back: the breaker over BOS is open") }
        if let pause = lane.throttledFor { return (.throttled, pause, "held back: BOS has asked for a pause") }
        guard let wait = await waitForRate(lane) else { return nil }
        return (.throttled, wait, "held back: api.ratePerSecond is used up")
    }

    /// Waits until a call may be made. Returns how long it would take instead if that is too long to wait for.
    private func waitForRate(_ lane: Lane) async -> Duration? {
        let end = clock.uptime() + Self.patience
        while true {
            let wait = rate.take(for: lane.name, at: clock.uptime())
            guard wait > .zero else { return nil }
            // A cancelled task does not sleep, so it does not wait either.
            guard clock.uptime() + wait <= end, !Task.isCancelled else { return wait }
            await clock.sleep(for: wait)
        }
    }
}

/// The one rate of all calls. Money leaves a share of it to questions.
private final class SharedRate: Sendable {
    private let limit: Mutex<RateLimit>

    init(_ limit: RateLimit) { self.limit = Mutex(limit) }

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
        case .notTaken(.notSent), .enquiryUnanswered, .enquiryHeldBack, .enquired: CallOutcome(quality: .failed)
        case .notTaken(.throttled(let retryAfter)): CallOutcome(quality: .throttled, retryAfter: retryAfter)
        case .notTaken(.credentialsRefused), .notTaken(.heldBack): CallOutcome(quality: .neutral)
        }
    }
}

extension Enquiry {
    fileprivate var outcome: CallOutcome {
        switch self {
        case .found: CallOutcome(quality: .answered)
        case .ownCredentialsRefused: CallOutcome(quality: .neutral)
        case .unanswered(let reason, let retryAfter), .heldBack(let reason, let retryAfter):
            CallOutcome(quality: reason.quality, retryAfter: retryAfter)
        }
    }
}

extension PANStatusMachine.Event {
    fileprivate var outcome: CallOutcome {
        switch self {
        case .found: CallOutcome(quality: .answered)
        case .ownCredentialsRefused: CallOutcome(quality: .neutral)
        case .unanswered(let reason, let retryAfter), .heldBack(let reason, let retryAfter):
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
