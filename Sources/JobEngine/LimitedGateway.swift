package import JobModel
import Synchronization

/// BOS behind its limits: each call waits for the rate, is held back while BOS is not fit for it, and tells how BOS is.
package struct LimitedGateway: BOSGateway {
    private let bos: any BOSGateway
    private let lanes: Lanes
    private let rate: SharedRate
    private let clock: any EngineClock

    /// Longer than this nobody waits here for the rate: the job waits in the ledger instead.
    private static let patience = Duration.seconds(2)

    /// - Parameter ratePerSecond: calls of all kinds together; `nil`: no limit.
    package init(_ bos: any BOSGateway, lanes: Lanes, ratePerSecond: Double?, clock: any EngineClock) {
        self.bos = bos
        self.lanes = lanes
        self.clock = clock
        rate = SharedRate(RateLimit(RateLimit.Configuration(perSecond: ratePerSecond)))
    }

    package func recharge(
        _ permit: consuming RetryPermit, _ recharge: Recharge, _ call: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        let lane = lanes.money
        if let held = await held(lane) { return CallReport(.notTaken(.heldBack(held.reason, retryAfter: held.wait)), note: held.note) }
        let start = clock.uptime()
        let report = await bos.recharge(permit, recharge, call)
        await lane.record(report.event.quality, startedAt: start, note: report.note)
        return report
    }

    package func enquire(_ reference: String, registerID: String, _ call: CallOptions) async -> CallReport<Enquiry> {
        let lane = lanes.questions
        if let held = await held(lane) { return CallReport(.unanswered(held.reason, retryAfter: held.wait), note: held.note) }
        let start = clock.uptime()
        let report = await bos.enquire(reference, registerID: registerID, call)
        await lane.record(report.event.quality, startedAt: start, note: report.note)
        return report
    }

    package func panStatus(_ query: PANStatusQuery, _ call: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        let lane = lanes.questions
        if let held = await held(lane) { return CallReport(.unanswered(held.reason, retryAfter: held.wait), note: held.note) }
        let start = clock.uptime()
        let report = await bos.panStatus(query, call)
        await lane.record(report.event.quality, startedAt: start, note: report.note)
        return report
    }

    package func renewCredentials() async -> Bool { await bos.renewCredentials() }

    /// Why a call may not be made now, or `nil` once it may.
    private func held(_ lane: Lane) async -> (reason: WaitReason, wait: Duration?, note: String)? {
        guard lane.isFit else { return (.breakerOpen, nil, "held back: the breaker over BOS is open") }
        guard let wait = await waitForRate(lane) else { return nil }
        return (.throttled, wait, "held back: api.ratePerSecond is used up")
    }

    /// Waits until a call may be made. Returns how long it would take instead if that is too long to wait for.
    private func waitForRate(_ lane: Lane) async -> Duration? {
        let end = clock.uptime() + Self.patience
        while true {
            let wait = rate.take(for: lane.name, at: clock.uptime())
            guard wait > .zero else { return nil }
            guard clock.uptime() + wait <= end else { return wait }
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
    fileprivate var quality: CallQuality {
        switch self {
        case .answered, .enquired: .answered
        case .unknown, .notTaken(.notSent), .enquiryUnanswered: .failed
        case .notTaken(.throttled): .throttled
        case .notTaken(.credentialsRefused), .notTaken(.heldBack): .neutral
        }
    }
}

extension Enquiry {
    fileprivate var quality: CallQuality {
        switch self {
        case .found: .answered
        case .unanswered(let reason, _): reason.quality
        }
    }
}

extension PANStatusMachine.Event {
    fileprivate var quality: CallQuality {
        switch self {
        case .found: .answered
        case .unanswered(let reason, _): reason.quality
        }
    }
}

extension WaitReason {
    fileprivate var quality: CallQuality {
        switch self {
        case .notSent, .unanswered, .doubt: .failed
        case .throttled: .throttled
        case .credentialsRefused, .breakerOpen, .panPending: .neutral
        }
    }
}
