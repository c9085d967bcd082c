import Events
package import JobModel
package import Logging
import Synchronization

/// Why consumption is paused. The raw value is shown to people.
package enum PauseReason: String, Sendable, CaseIterable {
    /// BOS refuses the worker's token or signature, or there is no token to send.
    case credentials
    /// The ledger cannot be written.
    case ledger
    /// BOS cannot be reached, or its calls fail.
    case bos
    /// BOS asked for a pause (`Retry-After`).
    case throttled
    /// BOS accepts no recharge now, because of maintenance or an empty wallet.
    case postponed
    /// BOS refuses nearly all recharges with the same code.
    case refusals
}

/// Decides whether one lane consumes jobs. A part of the engine that cannot work on jobs closes the gate, and a probe opens it again.
///
/// While the gate is closed, jobs stay in their queues, where operators see them, and no job fails. If only a job can show whether the reason has
/// passed, the gate lets one job at a time through.
package actor ConsumptionGate {
    /// How many jobs are consumed.
    package enum Flow: Sendable {
        case running
        /// One at a time.
        case trial
        case stopped
    }

    /// What a probe found out about a reason to pause.
    package enum ProbeResult: Sendable {
        case passed
        case stands
        /// Only a job can show it.
        case triesJob
    }

    /// How the gate let a delivery through.
    package enum Admission: Sendable {
        case regular
        case trial
    }

    /// Switches the consumers. Returns once they are switched.
    package typealias Switch = @Sendable (Flow) async -> Void
    /// Finds out whether the reason has passed. It must not move money.
    package typealias Probe = @Sendable (PauseReason) async -> ProbeResult

    /// What is known of one reason to pause.
    package struct Pause: Sendable, Equatable {
        /// One sentence for people.
        package fileprivate(set) var detail: String
        /// When the reason was first found, by the wall clock.
        package let since: Timestamp

        package init(detail: String, since: Timestamp) {
            self.detail = detail
            self.since = since
        }
    }

    private struct State {
        var reasons: [PauseReason: Pause] = [:]
        var trial = Trial.none
        /// The trial has a result: its job made a call, or a reason to pause was found meanwhile.
        var isDecided = false
    }

    private enum Trial {
        case none
        case offered
        case running
    }

    private nonisolated let state = Mutex(State())
    private let clock: any EngineClock
    private let logger: Logger
    private let closings: AsyncStream<Void>
    private let closed: AsyncStream<Void>.Continuation
    private let changes = WakeSignal()
    private var switchConsumers: Switch = { _ in }
    /// The number of probes since the gate was last open for a minute. The pauses between probes grow with it.
    private var probes = 0
    private var openSince = Duration.zero

    package init(clock: any EngineClock, logger: Logger) {
        self.clock = clock
        self.logger = logger
        (closings, closed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Why consumption is paused, with a sentence for people. Empty if it is not paused.
    package nonisolated var pauses: [PauseReason: String] { standing.mapValues(\.detail) }

    /// The reasons why consumption is paused. Empty if it is not paused.
    package nonisolated var standing: [PauseReason: Pause] { state.withLock { $0.reasons } }

    package nonisolated var isOpen: Bool { state.withLock { $0.reasons.isEmpty } }

    /// Whether one job may be consumed to try whether the reasons have passed.
    package nonisolated var offersTrial: Bool { state.withLock { $0.trial == .offered } }

    /// Sets how the consumers are switched. Must be called before ``run(probe:)``.
    package func setSwitch(_ switchConsumers: @escaping Switch) { self.switchConsumers = switchConsumers }

    /// Lets a delivery through, or returns `nil`. The caller must end the admission with ``end(_:isOver:)``.
    nonisolated func admit() -> Admission? {
        state.withLock { state in
            if state.reasons.isEmpty { return .regular }
            guard state.trial == .offered else { return nil }
            (state.trial, state.isDecided) = (.running, false)
            return .trial
        }
    }

    /// Whether an admitted delivery may still begin.
    nonisolated func admits(_ admission: Admission) -> Bool {
        state.withLock { state in
            switch admission {
            case .regular: state.reasons.isEmpty
            case .trial: state.trial == .running
            }
        }
    }

    /// Records that a job makes a call to BOS. The result of the call decides the trial.
    nonisolated func recordCall() { state.withLock { $0.isDecided = true } }

    /// Ends an admission, directly before the delivery is settled. After a trial no other delivery arrives before the gate has decided.
    ///
    /// A job that ends without a call, because it has expired or was answered before, decides nothing, so the next job is tried at once. Otherwise
    /// each of such jobs at the head of the queue would keep the gate closed for one more pause.
    /// - Parameter isOver: the delivery is not requeued.
    func end(_ admission: Admission, isOver: Bool) async {
        guard admission == .trial else { return }
        let triesNext = state.withLock { state in
            guard isOver, !state.isDecided, !state.reasons.isEmpty, state.trial == .running else { return false }
            state.trial = .offered
            return true
        }
        if triesNext { return }
        await switchConsumers(isOpen ? .running : .stopped)
        state.withLock { $0.trial = .none }
        changes.pulse()
    }

    /// Pauses consumption for this reason. Returns once no more deliveries arrive; then the caller may requeue its own delivery. During a trial it
    /// returns at once, because a trial consumes no other delivery and ends by itself.
    /// - Parameter detail: one sentence for people, without a secret or a subscriber number.
    package func close(_ reason: PauseReason, detail: String) async {
        let (event, isTrying) = state.withLock { state -> (EventName?, Bool) in
            // If no job was let through yet, none is now. A job that was let through ends its trial itself.
            if state.trial == .offered { state.trial = .none }
            state.isDecided = true
            let before = state.reasons[reason]?.detail
            state.reasons[reason, default: Pause(detail: detail, since: clock.now())].detail = detail
            // The details of all other reasons differ from call to call, so a change is no event.
            let hasChanged = reason == .credentials && before != detail
            return (before == nil ? .consumptionPaused : hasChanged ? .consumptionReason : nil, state.trial == .running)
        }
        if let event { log(event, about: reason, detail: detail) }
        if !isTrying { await switchConsumers(.stopped) }
        // This comes after the switch, and every time. Even if the gate opened at the same moment, a round follows that switches the consumers
        // correctly.
        closed.yield()
        changes.pulse()
    }

    /// Replaces the detail of a reason that still stands.
    nonisolated func update(_ reason: PauseReason, detail: String) {
        let isNews = state.withLock { state in
            guard let before = state.reasons[reason]?.detail, before != detail else { return false }
            state.reasons[reason]?.detail = detail
            return true
        }
        if isNews { log(.consumptionReason, about: reason, detail: detail) }
    }

    private nonisolated func log(_ event: EventName, about reason: PauseReason, detail: String) {
        logger.log(event, metadata: ["reason": "\(reason.rawValue)", "detail": "\(detail)"])
    }

    /// The detail of a pause because of credentials.
    /// - Parameter note: the result of the call that showed it.
    static func refusedCredentials(_ note: String) -> String {
        "BOS refuses the worker's token or signature (code 15 or 16), or there is no token to send; check the auth settings; \(note)"
    }

    /// Removes a reason that has passed.
    nonisolated func lift(_ reason: PauseReason) {
        let hasChanged = state.withLock { state in
            // Each answer to a recharge lifts reasons; nearly always none stands.
            let wasStanding = !state.reasons.isEmpty && state.reasons.removeValue(forKey: reason) != nil
            // Without a reason there is nothing to try.
            guard state.reasons.isEmpty, state.trial == .offered else { return wasStanding }
            state.trial = .none
            return true
        }
        if hasChanged { changes.pulse() }
    }

    /// Probes while the gate is closed, and opens it when every reason has passed. Ends when the task is cancelled.
    package func run(probe: Probe) async {
        for await _ in closings {
            if clock.uptime() - openSince > .seconds(60) { probes = 0 }
            let wasClosed = !isOpen
            while !isOpen, !Task.isCancelled {
                await switchConsumers(.stopped)
                // The breaker has a timer of its own. A longer pause here would only be added to it.
                let isBreakerAlone = pauses.keys.allSatisfy { $0 == .bos }
                await clock.sleep(for: Self.interval(afterProbes: isBreakerAlone ? 0 : probes, jitter: clock.jitter()))
                if !isBreakerAlone { probes += 1 }
                await round(probe)
            }
            guard isOpen else { return }
            openSince = clock.uptime()
            if wasClosed { logger.log(.consumptionResumed) }
            await switchConsumers(.running)
        }
    }

    private func round(_ probe: Probe) async {
        var needsTrial = true
        for reason in pauses.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            switch await probe(reason) {
            case .passed: lift(reason)
            case .stands: needsTrial = false
            case .triesJob: break
            }
        }
        guard needsTrial, !isOpen, !Task.isCancelled else { return }
        await tryJob()
    }

    /// Lets one job through. Returns when the job is over, or when there is nothing left to try: another reason to pause was found, the same reason
    /// was found again, or all reasons have passed.
    private func tryJob() async {
        state.withLock { $0.trial = .offered }
        await switchConsumers(.trial)
        while !isTrialOver, !Task.isCancelled { await changes.wait { self.isTrialOver } }
        state.withLock { $0.trial = .none }
    }

    private nonisolated var isTrialOver: Bool { state.withLock { $0.trial == .none } }

    /// The pause before a probe: a quarter of a second at first, so that an operator who repairs something sees it soon, then up to ten seconds.
    private static func interval(afterProbes probes: Int, jitter: Double) -> Duration {
        min(.seconds(10), .milliseconds(250) * Double(1 << min(probes, 10))) * (0.5 + jitter / 2)
    }
}
