internal import DedicatedThread
private import DequeModule
internal import Synchronization

/// Where callers leave work for a connection's thread, and the connection tells them whether it has a session.
///
/// Everything goes through one lock that is held for a few instructions; the thread takes all that has gathered at once, each turn. Work that cannot be done
/// is answered here at once, and nobody is left waiting once the mailbox has been closed.
final class Mailbox: Sendable {
    /// What the thread takes each turn.
    struct Work: Sendable {
        var publishes: [Publish] = []
        var settlements: [(channel: UInt16, tag: UInt64, settlement: Settlement)] = []
        var requests: [ManagementRequest] = []
        var newConsumers: [Deliveries] = []
    }

    private struct State {
        var work = Work()
        /// The number of the session that is ready; nil when none is.
        var session: UInt64?
        var frameMaximum = 0
        var unavailableReason = "the connection has not been started"
        var isStopping = false
        var isClosed = false
        var hasRun = false
        var lateSettlements = 0
        var nextWaiter: UInt64 = 0
        var readyWaiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var closeWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let thread: DedicatedThread

    init(thread: DedicatedThread) {
        self.thread = thread
    }

    // MARK: For callers

    /// Leaves a message to be published, or answers at once why it cannot be.
    func post(_ publish: Publish) {
        let error: PublishError? = state.withLock { state in
            guard state.session != nil else { return .notSent(state.unavailableReason) }
            // The broker adds the message's size and class to the header; the frame has an envelope of its own.
            if let fault = publish.message.properties.fault(frameMaximum: state.frameMaximum) { return .invalid(fault) }
            state.work.publishes.append(publish)
            return nil
        }
        if let error { publish.finish(error) } else { thread.wake() }
    }

    /// Leaves a settlement for the session it belongs to; if that is gone, it is only counted.
    func post(_ settlement: Settlement, of tag: UInt64, on channel: UInt16, session: UInt64) {
        let isTaken = state.withLock { state in
            guard state.session == session else {
                state.lateSettlements += 1
                return false
            }
            state.work.settlements.append((channel, tag, settlement))
            return true
        }
        if isTaken { thread.wake() }
    }

    func post(_ request: ManagementRequest) {
        let unavailableReason: String? = state.withLock { state in
            guard state.session != nil else { return state.unavailableReason }
            state.work.requests.append(request)
            return nil
        }
        if let unavailableReason { request.finish(.failure(.noSession(reason: unavailableReason))) } else { thread.wake() }
    }

    /// Leaves a new consumer; one that comes too late ends at once.
    func post(_ consumer: Deliveries) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.work.newConsumers.append(consumer) }
            return state.isClosed
        }
        if isClosed { consumer.end() } else { thread.wake() }
    }

    /// Returns once a session is ready: true; or false once there will be none any more, or the caller's task was cancelled.
    func whenReady() async -> Bool {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.session != nil { return true }
                    if state.isClosed || Task.isCancelled { return false }
                    state.readyWaiters[number] = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            state.withLock { $0.readyWaiters.removeValue(forKey: number) }?.resume(returning: false)
        }
    }

    /// Asks the connection to stop in order.
    func stop() {
        state.withLock { $0.isStopping = true }
        thread.wake()
    }

    /// Returns once the mailbox is closed: at once if the connection was never run, and then it never will be.
    func whenClosed() async {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if !state.hasRun { state.isClosed = true }
                if state.isClosed { return true }
                state.closeWaiters.append(continuation)
                return false
            }
            if isClosed { continuation.resume() }
        }
    }

    // MARK: For the connection

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Settlements that came too late, since the start; the thread itself finds some.
    var lateSettlements: Int { state.withLock { $0.lateSettlements } }
    func countLate(_ count: Int = 1) { state.withLock { $0.lateSettlements += count } }

    /// Marks the start of `run()`; false if it was started before or the mailbox has been closed.
    func begin() -> Bool {
        state.withLock { state in
            guard !state.hasRun, !state.isClosed else { return false }
            state.hasRun = true
            state.unavailableReason = "no broker has been reached yet"
            return true
        }
    }

    func take() -> Work {
        state.withLock { state in
            let work = state.work
            state.work = Work()
            return work
        }
    }

    /// Opens for the work of a session that is ready.
    func open(session: UInt64, frameMaximum: Int) {
        let waiters = state.withLock { state in
            state.session = session
            state.frameMaximum = frameMaximum
            defer { state.readyWaiters = [:] }
            return state.readyWaiters
        }
        for waiter in waiters.values { waiter.resume(returning: true) }
    }

    /// Takes no more work for the session and returns what was left, to be done before the session is closed in order.
    func drain(reason: String) -> Work {
        state.withLock { state in
            state.session = nil
            state.unavailableReason = reason
            defer { state.work = Work() }
            return state.work
        }
    }

    /// Takes no more work for the session; what was left and not taken is answered with the reason.
    func shut(reason: String) {
        let work = state.withLock { state in
            state.session = nil
            state.unavailableReason = reason
            let work = state.work
            state.work = Work(newConsumers: work.newConsumers)
            state.lateSettlements += work.settlements.count
            return work
        }
        for publish in work.publishes { publish.finish(.notSent(reason)) }
        for request in work.requests { request.finish(.failure(.noSession(reason: reason))) }
    }

    /// Closes for good.
    func close() {
        shut(reason: "the connection has been closed")
        let (ready, closed, consumers) = state.withLock { state in
            state.isClosed = true
            defer {
                state.readyWaiters = [:]
                state.closeWaiters = []
                state.work = Work()
            }
            return (state.readyWaiters, state.closeWaiters, state.work.newConsumers)
        }
        for consumer in consumers { consumer.end() }
        for waiter in ready.values { waiter.resume(returning: false) }
        for waiter in closed { waiter.resume() }
    }
}
