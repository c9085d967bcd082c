package import JobModel
package import Logging
import Synchronization

/// One queue's share of the work: when its jobs are taken, how many at once, and whether BOS is fit for them.
///
/// Questions have a lane of their own, so that doubts are resolved even when money is held back.
package final class Lane: Sendable {
    package struct Configuration: Sendable {
        package var limit: AdaptiveLimit.Configuration
        package var breaker = CircuitBreaker.Configuration()
        package var refusals = RefusalWatch.Configuration()

        /// - Parameter concurrency: jobs at once at the most.
        package init(concurrency: Int) { limit = AdaptiveLimit.Configuration(maximum: concurrency) }
    }

    private struct State {
        var breaker: CircuitBreaker
        var limit: AdaptiveLimit
        var refusals: RefusalWatch
        /// Until when BOS has asked for a pause.
        var throttledUntil: Duration?
        var inFlight = 0
        var waiters: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        var nextWaiter = 0
    }

    package let name: JobLane
    package let gate: ConsumptionGate
    private let clock: any EngineClock
    private let state: Mutex<State>

    package init(_ name: JobLane, _ configuration: Configuration, clock: any EngineClock, logger: Logger) {
        var logger = logger
        logger[metadataKey: "lane"] = "\(name)"
        self.name = name
        self.clock = clock
        gate = ConsumptionGate(clock: clock, logger: logger)
        state = Mutex(
            State(
                breaker: CircuitBreaker(configuration.breaker), limit: AdaptiveLimit(configuration.limit),
                refusals: RefusalWatch(configuration.refusals)))
    }

    /// How many jobs may run at once now.
    package var limit: Int { state.withLock { $0.limit.limit } }

    package var breakerState: CircuitBreaker.State { state.withLock { $0.breaker.state } }

    // MARK: Slots

    /// How many wait for a slot.
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Takes one of the slots, or waits for one. `false` if there was none within that time, or the process is about to stop.
    func enter(within patience: Duration, _ drain: DrainSignal) async -> Bool {
        let (isIn, id) = state.withLock { state in
            state.nextWaiter += 1
            guard state.inFlight < state.limit.limit, state.waiters.isEmpty else { return (false, state.nextWaiter) }
            state.inFlight += 1
            return (true, 0)
        }
        if isIn { return true }
        return await withTaskGroup { group in
            group.addTask { await self.slot(id) }
            group.addTask {
                await drain.sleep(for: max(.zero, patience), on: self.clock)
                return false
            }
            let isIn = await group.next() ?? false
            group.cancelAll()
            // The slot may have come in the very moment in which the patience ended.
            for await late in group where late { return true }
            return isIn
        }
    }

    func leave() {
        state.withLock { state in
            state.inFlight -= 1
            return Self.admit(&state)
        }.forEach { $0.resume(returning: true) }
    }

    private func slot(_ id: Int) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let admitted: [CheckedContinuation<Bool, Never>]? = state.withLock { state in
                    // Given up before it began to wait: nobody else would ever take it off the list.
                    if Task.isCancelled { return nil }
                    state.waiters.append((id, continuation))
                    return Self.admit(&state)
                }
                guard let admitted else { return continuation.resume(returning: false) }
                for waiter in admitted { waiter.resume(returning: true) }
            }
        } onCancel: {
            giveUp(id)
        }
    }

    private func giveUp(_ id: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index).continuation
        }
        waiter?.resume(returning: false)
    }

    private static func admit(_ state: inout State) -> [CheckedContinuation<Bool, Never>] {
        let count = min(max(0, state.limit.limit - state.inFlight), state.waiters.count)
        state.inFlight += count
        defer { state.waiters.removeFirst(count) }
        return state.waiters.prefix(count).map(\.continuation)
    }

    // MARK: What BOS does

    /// Whether calls may be made.
    var isFit: Bool { state.withLock { $0.breaker.state == .closed } }

    /// Takes in how a call went; closes the gate if it was one failure too many, or if BOS takes nothing for now.
    /// - Parameters:
    ///   - start: in uptime, when the call was sent.
    ///   - note: what came of it, for people; no subscriber number, no secret.
    func record(_ outcome: CallOutcome, startedAt start: Duration, note: String) async {
        let now = clock.uptime()
        let quality = outcome.quality
        let (hasOpened, admitted) = state.withLock { state in
            let before = state.breaker.state
            if let result = quality.result { state.breaker.record(result, startedAt: start, at: now) }
            state.limit.record(quality.signal, latency: now - start, inFlight: state.inFlight, at: now)
            return (before == .closed && state.breaker.state == .open, Self.admit(&state))
        }
        for waiter in admitted { waiter.resume(returning: true) }
        if hasOpened {
            await gate.close(
                .bos, "BOS has failed too often, at last with: \(note); it is asked now and then, and consuming goes on once it answers")
        }
        if let pause = outcome.retryAfter, pause > .zero { await throttle(until: now + pause, note) }
        switch outcome.recharge {
        case .postponed:
            await gate.close(.postponed, "BOS takes no recharge for now: \(note); one recharge at a time tries whether that is over")
        case .refused(let code): await watch(refusal: code, note)
        case .taken: await watch(refusal: nil, note)
        case nil: break
        }
    }

    private func throttle(until end: Duration, _ note: String) async {
        state.withLock { $0.throttledUntil = max($0.throttledUntil ?? end, end) }
        await gate.close(.throttled, "BOS asks for a pause: \(note)")
    }

    /// An answer to a recharge other than "not now".
    private func watch(refusal code: Int?, _ note: String) async {
        gate.pass(.postponed)
        // Where only a job can tell, this one has told.
        if code != RefusalWatch.credentials { gate.pass(.credentials) }
        let (isNews, refusedWith) = state.withLock { state in
            (state.refusals.record(refusal: code, at: clock.uptime()), state.refusals.refusedWith)
        }
        guard isNews else { return }
        guard refusedWith != nil else { return gate.pass(.refusals) }
        await gate.close(
            .refusals,
            "BOS refuses nearly all recharges with one code, at last with: \(note); one at a time tries whether that is over (see bosctl codes)"
        )
    }

    /// How much of the pause that BOS has asked for is left; `nil` if none is.
    var throttledFor: Duration? {
        guard let end = state.withLock({ $0.throttledUntil }) else { return nil }
        let left = end - clock.uptime()
        return left > .zero ? left : nil
    }

    /// Whether BOS has taken the credentials of a recharge since it last refused those of one.
    var takesCredentials: Bool { state.withLock { $0.refusals.takesCredentials } }

    /// Whether BOS refuses nearly all recharges with one code.
    var isRefused: Bool { state.withLock { $0.refusals.refusedWith != nil } }

    /// Whether it is time to try one more recharge.
    var mayTry: Bool { state.withLock { $0.refusals.mayTry(at: clock.uptime()) } }

    /// Probes BOS if it is time to. `true` if it is fit again.
    func probe(_ ask: () async -> Bool) async -> Bool {
        let isDue = state.withLock { $0.breaker.shouldProbe(at: clock.uptime()) }
        guard isDue else { return isFit }
        let isWell = await ask()
        state.withLock { $0.breaker.probed(isWell, at: clock.uptime()) }
        return isWell
    }
}

/// The two lanes of a worker.
package struct Lanes: Sendable {
    package let money: Lane
    package let questions: Lane

    package init(money: Lane, questions: Lane) {
        self.money = money
        self.questions = questions
    }

    package var all: [Lane] { [money, questions] }

    package subscript(name: JobLane) -> Lane {
        switch name {
        case .money: money
        case .questions: questions
        }
    }

    /// Stops consuming in both lanes, for a reason that concerns every job.
    package func close(_ reason: PauseReason, _ detail: String) async {
        for lane in all { await lane.gate.close(reason, detail) }
    }
}

/// What a call says of BOS.
struct CallOutcome: Sendable {
    /// What became of a recharge that BOS has looked at.
    enum Recharge: Sendable {
        /// - Parameter code: ``RefusalWatch`` compares it only.
        case refused(code: Int)
        /// Any other answer but "not now".
        case taken
        case postponed
    }

    var quality: CallQuality
    /// How long BOS asks not to be called.
    var retryAfter: Duration?
    var recharge: Recharge?
}

/// What a call says about BOS's health.
enum CallQuality: Sendable {
    case answered
    /// Refused, timed out, reset, 5xx or unreadable.
    case failed
    /// 429: BOS is well and asks for less.
    case throttled
    /// Our own trouble, or none of BOS's.
    case neutral

    fileprivate var result: CircuitBreaker.CallResult? {
        switch self {
        case .answered: .success
        case .failed: .failure
        case .throttled, .neutral: nil
        }
    }

    fileprivate var signal: AdaptiveLimit.Signal {
        switch self {
        case .answered, .neutral: .success
        case .failed, .throttled: .overload
        }
    }
}
