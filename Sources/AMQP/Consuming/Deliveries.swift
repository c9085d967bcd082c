internal import DedicatedThread
private import DequeModule
private import Synchronization

/// The deliveries of one queue, as they come; made by `Connection.consume`.
///
/// It outlives sessions: after each loss the queue is consumed again. What lies here untaken is never more than the prefetch. Several tasks may iterate at
/// once; each delivery goes to one of them. The sequence ends after `finish()` or with the connection; a task's own cancellation ends its iteration only.
package final class Deliveries: AsyncSequence, Sendable {
    package typealias Element = Delivery
    package typealias Failure = Never

    /// What the owner wants; the connection's thread brings it about.
    enum DesiredState {
        case consuming
        case paused
        case finished
    }

    private struct State {
        var desiredState = DesiredState.consuming
        /// The prefetch that is wished; nil means the queue's own.
        var desiredPrefetch: UInt16?
        var buffer: Deque<Delivery> = []
        var takers: Deque<(number: UInt64, continuation: CheckedContinuation<Delivery?, Never>)> = []
        var nextTaker: UInt64 = 0
        /// The prefetch with which the broker hands over deliveries now; nil while it does not.
        var consumedPrefetch: UInt16?
        var trouble: String?
        var hasEnded = false
        /// Callers of `pause` and `finish`, told once nothing more can come; callers of `resume`, once it can.
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
        var consumingWaiters: [CheckedContinuation<Void, Never>] = []
    }

    package let queue: String
    /// How many deliveries may be unsettled at once, unless `resume(prefetch:)` says otherwise.
    package let prefetch: UInt16
    /// Whether the queue is consumed only while it has no other consumer.
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

    /// Whether the broker is handing over deliveries of the queue now: what readiness means.
    package var isConsuming: Bool { state.withLock { $0.consumedPrefetch != nil } }

    /// Why the broker does not let the queue be consumed, if it has said so last.
    package var trouble: String? { state.withLock { $0.trouble } }

    /// Stops consuming and returns once no delivery can come any more. What nobody had taken yet goes back to the queue; what was taken can still be settled.
    ///
    /// The channel stays open. Without a session it returns at once, and the next session will not consume.
    package func pause() async { await request(.paused) }

    /// Consumes again and returns once it does, or at once while there is no session.
    ///
    /// - Parameter prefetch: how many deliveries may be unsettled at once from now on, those taken before not counted; nil means the
    ///   queue's own again. A consumer that runs with another prefetch is cancelled first: what it had and no caller has taken goes back to the queue.
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

    /// Stops consuming for good, as `pause()`, and then ends the sequence. What was taken can still be settled.
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

    /// The prefetch to consume with.
    var desiredPrefetch: UInt16 { state.withLock { $0.desiredPrefetch ?? prefetch } }

    /// Hands over what has come in this turn: to who waits, or to the buffer. The broker's prefetch bounds what lies there.
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

    /// The broker hands over deliveries from now on, as many as the prefetch allows.
    func begin(prefetch: UInt16) {
        let waiters: [CheckedContinuation<Void, Never>] = state.withLock { state in
            state.consumedPrefetch = prefetch
            state.trouble = nil
            // Another prefetch was wished meanwhile: the consumer starts once more.
            guard prefetch == state.desiredPrefetch ?? self.prefetch else { return [] }
            defer { state.consumingWaiters = [] }
            return state.consumingWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The queue cannot be consumed.
    func note(trouble: String) { state.withLock { $0.trouble = trouble } }

    /// Nothing comes any more for now: the consumer was cancelled, or its session is gone. Returns what nobody had taken.
    func drainBuffer() -> [Delivery] {
        state.withLock { state in
            state.consumedPrefetch = nil
            defer { state.buffer = [] }
            return Array(state.buffer)
        }
    }

    /// Tells who waits for quiet that it is so, and ends the sequence if that was wished.
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

    /// Ends the sequence and releases everybody who waits for it.
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
