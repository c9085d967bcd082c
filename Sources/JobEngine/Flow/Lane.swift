package import JobModel
package import Logging
import Synchronization

/// One queue's share of the work. It decides when jobs are taken, how many run at once, and whether calls to BOS may be made.
///
/// Status queries have a lane of their own, so that doubts are resolved even while recharges are stopped.
package final class Lane: Sendable {
    package struct Configuration: Sendable {
        package var limit: AdaptiveLimit.Configuration
        package var breaker = CircuitBreaker.Configuration()
        package var refusals = RefusalWatch.Configuration()

        /// - Parameter concurrency: the most jobs that run at once.
        package init(concurrency: Int) { limit = AdaptiveLimit.Configuration(maximum: concurrency) }
    }

    /// One lock guards both the slots and what is known of BOS. The end of a call changes the limit, and the limit decides which waiting
    /// deliveries get a slot. With one lock that is one step.
    struct State {
        var slots: SlotPool
        var breaker: CircuitBreaker
        var refusals: RefusalWatch
        /// The end of the pause that BOS has asked for, in the clock's uptime.
        var throttledUntil: Duration?
        /// When the first call failed that no answered call has followed, in the clock's uptime.
        var unansweredSince: Duration?
    }

    package let name: JobLane
    package let gate: ConsumptionGate
    let clock: any EngineClock
    let state: Mutex<State>

    /// - Parameters:
    ///   - name: the lane's queue. Every log line of the gate carries it.
    ///   - clock: measures pauses, latencies and waits for a slot.
    package init(_ name: JobLane, configuration: Configuration, clock: any EngineClock, logger: Logger) {
        var logger = logger
        logger[metadataKey: "lane"] = "\(name)"
        self.name = name
        self.clock = clock
        gate = ConsumptionGate(clock: clock, logger: logger)
        state = Mutex(
            State(
                slots: SlotPool(AdaptiveLimit(configuration.limit)), breaker: CircuitBreaker(configuration.breaker),
                refusals: RefusalWatch(configuration.refusals)))
    }

    /// How many jobs may run at once now.
    package var limit: Int { state.withLock { $0.slots.size } }

    package var breakerState: CircuitBreaker.State { state.withLock { $0.breaker.state } }

    /// Whether calls may be made: the breaker is closed.
    var isFit: Bool { state.withLock { $0.breaker.state == .closed } }

    /// How much is left of the pause that BOS has asked for; `nil` if there is none.
    var throttledFor: Duration? {
        guard let end = state.withLock({ $0.throttledUntil }) else { return nil }
        let left = end - clock.uptime()
        return left > .zero ? left : nil
    }

    /// Whether BOS has accepted the credentials of a recharge since it last refused those of one.
    var takesCredentials: Bool { state.withLock { $0.refusals.takesCredentials } }

    /// Whether BOS refuses nearly all recharges with one code.
    var isRefused: Bool { state.withLock { $0.refusals.refusedWith != nil } }

    /// Whether the next trial recharge is due.
    var mayTry: Bool { state.withLock { $0.refusals.mayTry(at: clock.uptime()) } }

    /// Probes BOS if a probe is due.
    /// - Parameter call: a call that moves no money. It returns whether BOS answered.
    /// - Returns: whether the breaker is closed now.
    func probe(_ call: () async -> Bool) async -> Bool {
        let isDue = state.withLock { $0.breaker.beginProbe(at: clock.uptime()) }
        guard isDue else { return isFit }
        let hasAnswered = await call()
        state.withLock { state in
            state.breaker.endProbe(succeeded: hasAnswered, at: clock.uptime())
            if hasAnswered { state.unansweredSince = nil }
        }
        return hasAnswered
    }
}

// MARK: - Results of calls

extension Lane {
    /// Learns from a finished call. Closes the gate if the call opens the breaker, or if BOS takes no calls or no recharges for now.
    /// - Parameters:
    ///   - start: when the call was sent, in the clock's uptime.
    ///   - note: the call's result in one clause for people, without subscriber number or secret.
    func record(_ outcome: CallOutcome, startedAt start: Duration, note: String) async {
        let now = clock.uptime()
        let quality = outcome.quality
        let (hasOpened, admitted) = state.withLock { state in
            let before = state.breaker.state
            if let result = quality.result {
                state.breaker.record(result, startedAt: start, at: now)
                state.unansweredSince = result == .success ? nil : state.unansweredSince ?? now
            }
            let admitted = state.slots.record(quality.load, latency: now - start, at: now)
            return (before == .closed && state.breaker.state == .open, admitted)
        }
        for waiter in admitted { waiter.resume(returning: true) }
        if hasOpened {
            await gate.close(
                .bos,
                detail: "too many calls to BOS failed, the last one with: \(note); BOS is probed, and consuming resumes once it answers")
        }
        if let pause = outcome.retryAfter, pause > .zero { await throttle(until: now + pause, note: note) }
        switch outcome.recharge {
        case .postponed:
            await gate.close(
                .postponed,
                detail: "BOS takes no recharge for now: \(note); the worker tries one recharge at a time until BOS takes them again")
        case .refused(let code): await noteAnswer(refusal: code, note: note)
        case .taken: await noteAnswer(refusal: nil, note: note)
        case nil: break
        }
    }

    private func throttle(until end: Duration, note: String) async {
        state.withLock { $0.throttledUntil = max($0.throttledUntil ?? end, end) }
        await gate.close(.throttled, detail: "BOS asks for a pause: \(note)")
    }

    /// Learns from an answer to a recharge that is not "not now".
    /// - Parameter code: of a refusal; `nil` for any other answer.
    private func noteAnswer(refusal code: Int?, note: String) async {
        gate.lift(.postponed)
        // Where only a recharge can show whether BOS accepts the credentials, this answer has shown it.
        if code != RefusalWatch.credentials { gate.lift(.credentials) }
        let (hasChanged, refusedWith) = state.withLock { state in
            (state.refusals.record(refusal: code, at: clock.uptime()), state.refusals.refusedWith)
        }
        guard hasChanged else { return }
        guard refusedWith != nil else { return gate.lift(.refusals) }
        await gate.close(
            .refusals,
            detail:
                "BOS refuses nearly all recharges with one code, the last one with: \(note); the worker tries one recharge at a time until BOS "
                + "answers otherwise (see bosctl codes)")
    }
}

/// What a finished call says about BOS.
struct CallOutcome: Sendable {
    /// How BOS treated a recharge that reached it.
    enum Recharge: Sendable {
        /// - Parameter code: BOS's response code. ``RefusalWatch`` only compares it with others.
        case refused(code: Int)
        /// BOS answered, neither with a refusal nor with "not now".
        case taken
        case postponed
    }

    var quality: CallQuality
    /// How long BOS asks not to be called.
    var retryAfter: Duration?
    /// `nil` if the call was no recharge, or BOS did not answer it.
    var recharge: Recharge?
}

/// What a finished call says about BOS's health.
enum CallQuality: Sendable {
    case answered
    /// Refused, timed out, reset, 5xx or unreadable.
    case failed
    /// 429: BOS is healthy and asks for fewer calls.
    case throttled
    /// The call failed for a reason that is not BOS's.
    case neutral

    fileprivate var result: CircuitBreaker.CallResult? {
        switch self {
        case .answered: .success
        case .failed: .failure
        case .throttled, .neutral: nil
        }
    }

    fileprivate var load: AdaptiveLimit.LoadSignal {
        switch self {
        case .answered, .neutral: .success
        case .failed, .throttled: .overload
        }
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
    /// - Parameter detail: one sentence for people.
    package func close(_ reason: PauseReason, detail: String) async {
        for lane in all { await lane.gate.close(reason, detail: detail) }
    }
}
