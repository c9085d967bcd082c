import JobEngine
import JobModel
import Synchronization

/// What all parts of a simulation share: the time, the random numbers and the trace.
final class SimulatedWorld: Sendable {
    /// The probability of each fault during the fault phase, from 0 to 1. Drawn once for each seed, so that seeds differ in kind.
    struct FaultRates: Sendable {
        var crash = 0.0
        var lostConfirm = 0.0
        var lostSession = 0.0
        var ledgerTrouble = 0.0
        var bosTrouble = 0.0
        var clockJump = 0.0
        /// The share of clock jumps that are jumps by years.
        var yearsJump = 0.0
        var lostQueue = 0.0
        /// The broker refuses a single message.
        var refusedMessage = 0.0
        /// A session ends before the broker receives the settlement of a delivery.
        var lostSettlement = 0.0
    }

    private struct Timer {
        var at: Int64
        var id: Int
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var generator: SeededGenerator
        /// Milliseconds since the start. No clock of a simulated process shows this time.
        var elapsed: Int64 = 0
        var timers: [Timer] = []
        var nextTimer = 0
        var trace: [String] = []
    }

    static let start = Timestamp(milliseconds: 1_795_000_000_000)

    let faultRates: FaultRates
    let conditions: Conditions
    /// The worker's guard against repeated purchases in this scenario; `nil` if it has none.
    let purchaseGuard: PurchaseGuard?
    /// The age from which on a doubt waits for the operator.
    let doubtMaximumAge: Duration
    /// The fault phase ends after this many milliseconds. No fault happens after it.
    let faultPhase: Int64
    /// Whether an operator holds recharges or questions now and then.
    let hasHolds: Bool
    let executor = StepExecutor()
    let bug: PlantedBug?
    private let keepsTrace: Bool
    private let state: Mutex<State>

    init(seed: UInt64, bug: PlantedBug?, keepsTrace: Bool) {
        var generator = SeededGenerator(seed: seed)
        func maybe(_ most: Double) -> Double {
            Bool.random(using: &generator) ? Double.random(in: 0...most, using: &generator) : 0
        }
        faultRates = FaultRates(
            crash: maybe(0.03), lostConfirm: maybe(0.2), lostSession: maybe(0.1), ledgerTrouble: maybe(0.05), bosTrouble: maybe(0.8),
            clockJump: maybe(0.05), yearsJump: maybe(0.8), lostQueue: maybe(0.03), refusedMessage: maybe(0.1),
            lostSettlement: maybe(0.2))
        let isGuarded = Bool.random(using: &generator)
        let action: RepeatedPurchaseAction = Bool.random(using: &generator) ? .refuse : .park
        let window = Duration.seconds(Int64.random(in: 10...1_200, using: &generator))
        purchaseGuard = isGuarded ? PurchaseGuard(window: window, action: action) : nil
        // Otherwise longer than any fault phase.
        let areParked = Bool.random(using: &generator)
        doubtMaximumAge = .seconds(areParked ? Int64.random(in: 60...400, using: &generator) : 3_600)
        faultPhase = Int64.random(in: 10_000...900_000, using: &generator)
        var conditions = Conditions(faultPhase: faultPhase, &generator)
        // Where an answer names no subscriber, only code 11 distinguishes the recharge of another system. That answer must not get lost.
        if conditions.shape != .full,
            faultRates.crash > 0 || faultRates.ledgerTrouble > 0 || !conditions.outages.isEmpty || conditions.movesAt != nil
        {
            conditions.hasUsedReferences = false
        }
        self.conditions = conditions
        // Without a random number of its own, so that all other seeds stay as they were.
        hasHolds = seed % 4 == 3
        self.bug = bug
        self.keepsTrace = keepsTrace
        state = Mutex(State(generator: generator))
    }

    var elapsed: Int64 { state.withLock { $0.elapsed } }
    var isInFaultPhase: Bool { elapsed < faultPhase }
    var trace: [String] { state.withLock { $0.trace } }

    // MARK: Chance

    func chance(_ probability: Double) -> Bool {
        probability > 0 && state.withLock { Double.random(in: 0..<1, using: &$0.generator) } < probability
    }

    /// Whether a fault of this probability happens now. Never after the fault phase.
    func shouldFail(_ probability: Double) -> Bool { isInFaultPhase && chance(probability) }

    func number(_ range: ClosedRange<Int>) -> Int { state.withLock { Int.random(in: range, using: &$0.generator) } }

    func pick<Element>(_ elements: [Element]) -> Element { elements[number(0...elements.count - 1)] }

    func fraction() -> Double { state.withLock { Double.random(in: 0..<1, using: &$0.generator) } }

    // MARK: Record

    func note(_ text: @autoclosure () -> String) {
        guard keepsTrace else { return }
        let line = text()
        state.withLock { $0.trace.append("\(Double($0.elapsed) / 1_000)s \(line)") }
    }

    // MARK: Time

    /// The correct wall-clock time.
    var wallClock: Timestamp { Self.start + .milliseconds(elapsed) }

    func sleep(_ milliseconds: Int64) async {
        guard milliseconds > 0 else { return await Task.yield() }
        let id = state.withLock { state in
            state.nextTimer += 1
            return state.nextTimer
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isSet =
                    !Task.isCancelled
                    && state.withLock { state in
                        Self.insert(Timer(at: state.elapsed + milliseconds, id: id, continuation: continuation), into: &state.timers)
                        return true
                    }
                if !isSet { continuation.resume() }
            }
        } onCancel: {
            let timer = state.withLock { state -> Timer? in
                guard let index = state.timers.firstIndex(where: { $0.id == id }) else { return nil }
                return state.timers.remove(at: index)
            }
            timer?.continuation.resume()
        }
    }

    /// Keeps the latest timer first, so that the next one can be taken from the end.
    private static func insert(_ timer: Timer, into timers: inout [Timer]) {
        let index = timers.lastIndex { $0.at > timer.at } ?? -1
        timers.insert(timer, at: index + 1)
    }

    /// Moves the time forward to the next timer, and fires it.
    /// - Returns: `false` if no timer is set.
    func advance() -> Bool {
        let timer = state.withLock { state -> Timer? in
            guard let timer = state.timers.popLast() else { return nil }
            state.elapsed = max(state.elapsed, timer.at)
            return timer
        }
        timer?.continuation.resume()
        return timer != nil
    }
}
