internal import DedicatedThread
private import DequeModule
internal import Synchronization

/// Passes work from callers to the connection's thread, and tells callers whether the connection has a session.
///
/// One lock guards everything and is held for a few instructions. In each turn the thread takes all the work at once. Work that
/// cannot be done is answered at once, and no caller waits after the mailbox has been closed.
final class Mailbox: Sendable {
    /// The work that the thread takes in one turn.
    struct Work: Sendable {
        var publishes: [Publish] = []
        var settlements: [(channel: UInt16, tag: UInt64, settlement: Settlement)] = []
        var requests: [ManagementRequest] = []
        var newConsumers: [Deliveries] = []
    }

    private struct State {
        var work = Work()
        /// The number of the session that is ready; `nil` without one.
        var session: UInt64?
        var frameMaximum = 0
        /// Why there is no session.
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

    /// Queues a message for publishing, or answers at once why it cannot be published.
    func post(_ publish: Publish) {
        let error: PublishError? = state.withLock { state in
            guard state.session != nil else { return .notSent(state.unavailableReason) }
            // The broker adds the message's size and class to the header, and the frame has its own envelope.
            if let fault = publish.message.properties.fault(frameMaximum: state.frameMaximum) { return .invalid(fault) }
            state.work.publishes.append(publish)
            return nil
        }
        if let error { publish.finish(error) } else { thread.wake() }
    }

    /// Queues a settlement for its session. If the session has ended, the settlement is only counted.
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

    /// Registers a new consumer. If the mailbox is closed, the consumer ends at once.
    func post(_ consumer: Deliveries) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.work.newConsumers.append(consumer) }
            return state.isClosed
        }
        if isClosed { consumer.end() } else { thread.wake() }
    }

    /// Returns `true` once a session is ready; `false` when the mailbox is closed or the caller's task is cancelled.
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

    /// Asks the connection to close gracefully.
    func stop() {
        state.withLock { $0.isStopping = true }
        thread.wake()
    }

    /// Returns once the mailbox is closed. If the connection has never run, this closes it, and it can never run.
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

    /// The number of settlements, since the start, that came too late. The thread adds those that it finds.
    var lateSettlements: Int { state.withLock { $0.lateSettlements } }
    func countLate(_ count: Int = 1) { state.withLock { $0.lateSettlements += count } }

    /// Marks the start of `run()`. Returns `false` if it was started before or the mailbox is closed.
    func begin() -> Bool {
        state.withLock { state in
            guard !state.hasRun, !state.isClosed else { return false }
            state.hasRun = true
            state.unavailableReason = "the connection has not reached a broker yet"
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

    /// Accepts work for a session that is ready.
    func open(session: UInt64, frameMaximum: Int) {
        let waiters = state.withLock { state in
            state.session = session
            state.frameMaximum = frameMaximum
            defer { state.readyWaiters = [:] }
            return state.readyWaiters
        }
        for waiter in waiters.values { waiter.resume(returning: true) }
    }

    /// Stops accepting work for the session, and returns the remaining work, which is done before the session is closed.
    func drain(reason: String) -> Work {
        state.withLock { state in
            state.session = nil
            state.unavailableReason = reason
            defer { state.work = Work() }
            return state.work
        }
    }

    /// Stops accepting work for the session. The remaining work is answered with the reason.
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

    /// Closes the mailbox for good.
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
