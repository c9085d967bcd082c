import Events
package import Logging
import Synchronization

/// Why no jobs are taken from the queues at the moment. The raw value is shown to people.
package enum PauseReason: String, Sendable, CaseIterable {
    /// BOS refuses our token or signature, or there is no token to send.
    case credentials
    /// The ledger cannot be written.
    case ledger
    /// BOS cannot be reached or takes nothing.
    case bos
    /// BOS has asked for a pause (`Retry-After`).
    case throttled
    /// BOS takes no recharge for now: maintenance, or an empty wallet.
    case postponed
    /// BOS refuses nearly all recharges with one and the same code.
    case refusals
}

/// Decides whether jobs are consumed. The part of the engine that finds that jobs cannot be worked on closes it, a probe opens it again.
///
/// While it is closed jobs stay in their queues, where operators see them, and none of them fails. Where only a job can show whether the
/// reason has passed, one job at a time is let through.
package actor ConsumptionGate {
    /// How many jobs are taken.
    package enum Flow: Sendable {
        case running
        /// One at a time.
        case trial
        case stopped
    }

    /// What a probe has found out about a reason to pause.
    package enum Finding: Sendable {
        case passed
        case stands
        /// Only a job can tell.
        case triesJob
    }

    /// What a delivery was let through as.
    package enum Admission: Sendable {
        case regular
        case trial
    }

    /// Brings the consumers about; returns once that is so.
    package typealias Switch = @Sendable (Flow) async -> Void
    /// Whether the reason has passed; must not move money.
    package typealias Probe = @Sendable (PauseReason) async -> Finding

    private struct State {
        var reasons: [PauseReason: String] = [:]
        var trial = Trial.none
        /// The job of the trial has asked for a call, or a reason to pause was found meanwhile.
        var hasTold = false
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
    /// Probes since the gate was last open for long: pauses that follow each other closely grow longer.
    private var probes = 0
    private var openSince = Duration.zero

    package init(clock: any EngineClock, logger: Logger) {
        self.clock = clock
        self.logger = logger
        (closings, closed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Why consuming is paused, with a sentence for people; empty while it is not.
    package nonisolated var pauses: [PauseReason: String] { state.withLock { $0.reasons } }

    package nonisolated var isOpen: Bool { state.withLock { $0.reasons.isEmpty } }

    /// Whether one job may be taken to try whether the reasons have passed.
    package nonisolated var offersTrial: Bool { state.withLock { $0.trial == .offered } }

    package func setSwitch(_ switchConsumers: @escaping Switch) { self.switchConsumers = switchConsumers }

    /// Lets a delivery through, or not. What was let through is to be given to ``end(_:)``.
    nonisolated func admit() -> Admission? {
        state.withLock { state in
            if state.reasons.isEmpty { return .regular }
            guard state.trial == .offered else { return nil }
            (state.trial, state.hasTold) = (.running, false)
            return .trial
        }
    }

    /// Whether what was let through may still begin.
    nonisolated func admits(_ admission: Admission) -> Bool {
        state.withLock { state in
            switch admission {
            case .regular: state.reasons.isEmpty
            case .trial: state.trial == .running
            }
        }
    }

    /// A job asks for a call to BOS: what comes of it tells something about the reasons to pause.
    nonisolated func noteCall() { state.withLock { $0.hasTold = true } }

    /// The delivery is about to be let go of. After a trial no other delivery comes before the gate has decided.
    ///
    /// A job that is over without a call, because it has expired or was answered before, tells nothing: the next one is tried at once. Otherwise
    /// many of them in front of the others would keep the gate closed for a pause each.
    /// - Parameter isOver: the delivery does not come back.
    func end(_ admission: Admission, isOver: Bool) async {
        guard admission == .trial else { return }
        let triesNext = state.withLock { state in
            guard isOver, !state.hasTold, !state.reasons.isEmpty, state.trial == .running else { return false }
            state.trial = .offered
            return true
        }
        if triesNext { return }
        await switchConsumers(isOpen ? .running : .stopped)
        state.withLock { $0.trial = .none }
        changes.pulse()
    }

    /// Stops consuming for this reason; returns once no more deliveries are taken, unless a trial runs, which takes no other delivery and ends by
    /// itself. The caller may then requeue its own.
    package func close(_ reason: PauseReason, detail: String) async {
        let (event, isTrying) = state.withLock { state -> (EventName?, Bool) in
            // No job has been let through yet, and none is now. One that was let through ends its trial itself.
            if state.trial == .offered { state.trial = .none }
            state.hasTold = true
            let before = state.reasons.updateValue(detail, forKey: reason)
            // The details of other reasons differ from call to call.
            let hasChanged = reason == .credentials && before != detail
            return (before == nil ? .consumptionPaused : hasChanged ? .consumptionReason : nil, state.trial == .running)
        }
        if let event { log(event, about: reason, detail: detail) }
        if !isTrying { await switchConsumers(.stopped) }
        // After the switch, and every time: whatever crossed an opening, a round follows that puts the consumers right.
        closed.yield()
        changes.pulse()
    }

    /// The reason still stands, and its detail is now this one.
    nonisolated func explain(_ reason: PauseReason, detail: String) {
        let isNews = state.withLock { state in
            guard let before = state.reasons[reason], before != detail else { return false }
            state.reasons[reason] = detail
            return true
        }
        if isNews { log(.consumptionReason, about: reason, detail: detail) }
    }

    private nonisolated func log(_ event: EventName, about reason: PauseReason, detail: String) {
        logger.log(event, metadata: ["reason": "\(reason.rawValue)", "detail": "\(detail)"])
    }

    /// The detail of a pause because of credentials.
    /// - Parameter note: what came of the call that has shown it.
    static func refusedCredentials(_ note: String) -> String {
        "BOS refuses our token or signature (code 15 or 16), or there is no token to send: check the auth settings; \(note)"
    }

    /// The reason has passed: a call to BOS has shown it.
    nonisolated func pass(_ reason: PauseReason) {
        state.withLock { state in
            state.reasons[reason] = nil
            // Nothing is left to be tried.
            if state.reasons.isEmpty, state.trial == .offered { state.trial = .none }
        }
        changes.pulse()
    }

    /// Probes while the gate is closed, and opens it when every reason has passed. Ends when cancelled.
    package func run(probe: Probe) async {
        for await _ in closings {
            if clock.uptime() - openSince > .seconds(60) { probes = 0 }
            let wasClosed = !isOpen
            while !isOpen, !Task.isCancelled {
                await switchConsumers(.stopped)
                // The breaker keeps its own time and is only asked whether it has come: a longer pause would be added to its own.
                let isBreakerAlone = pauses.keys.allSatisfy { $0 == .bos }
                await clock.sleep(for: Self.interval(isBreakerAlone ? 0 : probes, clock.jitter()))
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
            case .passed: pass(reason)
            case .stands: needsTrial = false
            case .triesJob: break
            }
        }
        guard needsTrial, !isOpen, !Task.isCancelled else { return }
        await tryJob()
    }

    /// Lets one job through and returns when it is over, or when there is nothing to try any more: another reason to pause has come, the same one
    /// was found again, or all have passed.
    private func tryJob() async {
        state.withLock { $0.trial = .offered }
        await switchConsumers(.trial)
        while !isTrialOver, !Task.isCancelled { await changes.wait { self.isTrialOver } }
        state.withLock { $0.trial = .none }
    }

    private nonisolated var isTrialOver: Bool { state.withLock { $0.trial == .none } }

    /// A quarter of a second at first, so that an operator who mends something sees it soon; then longer, up to ten seconds.
    private static func interval(_ probes: Int, _ jitter: Double) -> Duration {
        min(.seconds(10), .milliseconds(250) * Double(1 << min(probes, 10))) * (0.5 + jitter / 2)
    }
}
