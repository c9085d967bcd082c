internal import DedicatedThread
private import DequeModule
private import Synchronization

/// The deliveries of one queue, as an asynchronous sequence. `Connection.consume` creates it.
///
/// The sequence outlives sessions: after each loss the connection consumes the queue again. The buffer never holds more than the
/// prefetch. Several tasks may iterate at once, and each delivery goes to one of them. The sequence ends after `finish()` or with
/// the connection. Cancelling a task ends the iteration of that task alone.
package final class Deliveries: AsyncSequence, Sendable {
    package typealias Element = Delivery
    package typealias Failure = Never

    /// The state that the owner has asked for. The connection's thread brings it about.
    enum DesiredState {
        case consuming
        case paused
        case finished
    }

    private struct State {
        var desiredState = DesiredState.consuming
        /// The prefetch that the owner has asked for; `nil` means the queue's own.
        var desiredPrefetch: UInt16?
        var buffer: Deque<Delivery> = []
        var takers: Deque<(number: UInt64, continuation: CheckedContinuation<Delivery?, Never>)> = []
        var nextTaker: UInt64 = 0
        /// The prefetch with which the broker delivers now; `nil` while it does not deliver.
        var consumedPrefetch: UInt16?
        var trouble: String?
        var hasEnded = false
        /// Callers of `pause` and `finish`. They are resumed once no delivery can come any more.
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
        /// Callers of `resume`. They are resumed once deliveries can come.
        var consumingWaiters: [CheckedContinuation<Void, Never>] = []
    }

    package let queue: String
    /// How many deliveries may be unsettled at once, unless `resume(prefetch:)` sets another number.
    package let prefetch: UInt16
    /// Whether the connection consumes the queue only while the queue has no other consumer.
    let isSole: Bool
    private let state = Mutex(State())
    private let thread: DedicatedThread

    init(queue: String, prefetch: UInt16, isSole: Bool, thread: DedicatedThread) {
        self.queue = queue
        self.prefetch = prefetch
        self.isSole = isSole
        self.thread = thread
    }

    // MARK: For the owner

    /// Whether the broker delivers messages of the queue now. Readiness depends on it.
    package var isConsuming: Bool { state.withLock { $0.consumedPrefetch != nil } }

    /// Why the broker ended or refused the last consumer; `nil` once a consumer works.
    package var trouble: String? { state.withLock { $0.trouble } }

    /// Stops consuming. Returns once no delivery can come any more. Deliveries that no task has taken go back to the queue. Deliveries
    /// that were taken can still be settled.
    ///
    /// The channel stays open. Without a session this returns at once, and the next session does not consume.
    package func pause() async { await request(.paused) }

    /// Consumes again. Returns once the broker delivers, or at once while there is no session.
    ///
    /// - Parameter prefetch: how many deliveries may be unsettled at once from now on, without those taken before. `nil` means the
    ///   queue's own. If a consumer runs with another prefetch, it is cancelled first, and its deliveries that no task has taken go
    ///   back to the queue.
    package func resume(prefetch: UInt16? = nil) async {
        await withCheckedContinuation { continuation in
            let (isDone, overruled): (Bool, [CheckedContinuation<Void, Never>]) = state.withLock { state in
                guard state.desiredState != .finished, !state.hasEnded else { return (true, []) }
                state.desiredState = .consuming
                state.desiredPrefetch = prefetch.map { Swift.max(1, $0) }
                defer { state.idleWaiters = [] }
                if state.consumedPrefetch == state.desiredPrefetch ?? self.prefetch { return (true, state.idleWaiters) }
                state.consumingWaiters.append(continuation)
                return (false, state.idleWaiters)
            }
            for waiter in overruled { waiter.resume() }
            if isDone { continuation.resume() }
            thread.wake()
        }
    }

    /// Stops consuming for good, as `pause()` does, and then ends the sequence. Deliveries that were taken can still be settled.
    package func finish() async {
        await request(.finished)
    }

    private func request(_ desired: DesiredState) async {
        await withCheckedContinuation { continuation in
            let (hasEnded, overruled): (Bool, [CheckedContinuation<Void, Never>]) = state.withLock { state in
                guard !state.hasEnded else { return (true, []) }
                if state.desiredState != .finished { state.desiredState = desired }
                state.idleWaiters.append(continuation)
                defer { state.consumingWaiters = [] }
                return (false, state.consumingWaiters)
            }
            for waiter in overruled { waiter.resume() }
            if hasEnded { continuation.resume() }
            thread.wake()
        }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(deliveries: self) }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let deliveries: Deliveries

        package mutating func next(isolation actor: isolated (any Actor)?) async -> Delivery? {
            await deliveries.next()
        }

        package mutating func next() async -> Delivery? {
            await deliveries.next()
        }
    }

    private func next() async -> Delivery? {
        let (delivery, number): (Delivery?, UInt64) = state.withLock { state in
            if state.desiredState == .consuming, let delivery = state.buffer.popFirst() { return (delivery, 0) }
            state.nextTaker += 1
            return (nil, state.nextTaker)
        }
        if let delivery { return delivery }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Delivery?? = state.withLock { state in
                    if state.hasEnded || Task.isCancelled { return .some(nil) }
                    if state.desiredState == .consuming, let delivery = state.buffer.popFirst() { return delivery }
                    state.takers.append((number, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Delivery?, Never>? in
                guard let index = state.takers.firstIndex(where: { $0.number == number }) else { return nil }
                return state.takers.remove(at: index).continuation
            }
            continuation?.resume(returning: nil)
        }
    }

    // MARK: For the connection's thread

    var desiredState: DesiredState { state.withLock { $0.desiredState } }

    /// The prefetch for the next consumer.
    var desiredPrefetch: UInt16 { state.withLock { $0.desiredPrefetch ?? prefetch } }

    /// Hands over the deliveries of this turn, to waiting tasks or to the buffer. The broker's prefetch bounds the buffer.
    func offer(_ batch: [Delivery]) {
        let handed = state.withLock { state in
            state.buffer.append(contentsOf: batch)
            var handed: [(CheckedContinuation<Delivery?, Never>, Delivery)] = []
            while state.desiredState == .consuming, !state.takers.isEmpty, let delivery = state.buffer.popFirst() {
                handed.append((state.takers.removeFirst().continuation, delivery))
            }
            return handed
        }
        for (continuation, delivery) in handed { continuation.resume(returning: delivery) }
    }

    /// Records that the broker delivers from now on, and resumes the callers that wait for it.
    func begin(prefetch: UInt16) {
        let waiters: [CheckedContinuation<Void, Never>] = state.withLock { state in
            state.consumedPrefetch = prefetch
            state.trouble = nil
            // The owner has asked for another prefetch meanwhile, so the consumer starts once more.
            guard prefetch == state.desiredPrefetch ?? self.prefetch else { return [] }
            defer { state.consumingWaiters = [] }
            return state.consumingWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Records why the queue cannot be consumed.
    func note(trouble: String) { state.withLock { $0.trouble = trouble } }

    /// Records that nothing is delivered for now, because the consumer was cancelled or its session has ended. Returns the deliveries
    /// that no task has taken.
    func drainBuffer() -> [Delivery] {
        state.withLock { state in
            state.consumedPrefetch = nil
            defer { state.buffer = [] }
            return Array(state.buffer)
        }
    }

    /// Resumes the callers that wait until no delivery can come, and ends the sequence if the owner has asked for that.
    ///
    /// - Parameter sessionIsGone: whether to resume callers of `resume(prefetch:)` as well, who do not wait for the next session.
    func resumeIdleWaiters(sessionIsGone: Bool) {
        let (waiters, hasFinished) = state.withLock { state in
            var waiters = state.idleWaiters
            state.idleWaiters = []
            if sessionIsGone {
                waiters += state.consumingWaiters
                state.consumingWaiters = []
            }
            return (waiters, state.desiredState == .finished)
        }
        if hasFinished { end() }
        for waiter in waiters { waiter.resume() }
    }

    /// Ends the sequence and resumes every caller that waits for it.
    func end() {
        let (takers, waiters) = state.withLock { state in
            state.hasEnded = true
            state.consumedPrefetch = nil
            defer {
                state.buffer = []
                state.takers = []
                state.idleWaiters = []
                state.consumingWaiters = []
            }
            return (state.takers, state.idleWaiters + state.consumingWaiters)
        }
        for taker in takers { taker.continuation.resume(returning: nil) }
        for waiter in waiters { waiter.resume() }
    }
}
