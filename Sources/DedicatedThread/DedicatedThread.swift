private import CLinux
private import Glibc
private import Synchronization

/// A serial executor on one named operating-system thread. The thread sleeps in poll(2) while there is nothing to do.
///
/// It is for work that must not block the cooperative pool: a C library that may be used from one thread only, or one that waits for
/// the disk. An actor uses it as its executor (`unownedExecutor`), and the compiler then guarantees what the library requires. The
/// thread lives until `stop()`, which its creator must call.
package final class DedicatedThread: SerialExecutor {
    /// The work that the thread does after its jobs each time it wakes up. It runs on the thread; its result says how long the thread
    /// may sleep.
    package typealias Turn = @Sendable () -> Wait

    /// The name that `top -H` and debuggers show. Linux keeps the first 15 bytes.
    package let name: String

    private struct State {
        var jobs: [UnownedJob] = []
        var turn: Turn?
        var isStopping = false
        var thread: pthread_t?
        var isJoined = false
    }

    /// Whether a wake-up must be written to the descriptor. `working`: no, the thread checks again before it sleeps. `asleep`: yes.
    /// `notified`: no, another caller has already done so.
    private enum WakeState {
        static let working: UInt8 = 0
        static let asleep: UInt8 = 1
        static let notified: UInt8 = 2
    }

    private let state = Mutex(State())
    private let wakeState = Atomic<UInt8>(WakeState.working)
    private let wakeUp: Int32

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: the name of the thread.
    ///   - stackSize: address space in bytes, which is used only as needed. A C library that recurses over data from the network needs
    ///     more than Swift code does.
    /// - Throws: `DedicatedThreadError` when the system has no descriptor or thread left.
    package init(name: String, stackSize: Int = 8 << 20) throws(DedicatedThreadError) {
        self.name = name
        wakeUp = bos_eventfd()
        guard wakeUp >= 0 else { throw .cannotStart(name: name, call: "eventfd", code: errno) }

        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackSize)

        var thread = pthread_t()
        // The thread retains this object until it ends, so that it never outlives its own state.
        let itself = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<DedicatedThread>.fromOpaque(argument).takeRetainedValue().main()
                return nil
            }, itself.toOpaque())
        guard code == 0 else {
            itself.release()
            close(wakeUp)
            throw .cannotStart(name: name, call: "pthread_create", code: code)
        }
        state.withLock { $0.thread = thread }
    }

    deinit {
        close(wakeUp)
    }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        wake()
    }

    package func checkIsolated() {
        precondition(isCurrent, "not on the thread \(name)")
    }

    /// Whether the caller runs on this thread.
    package var isCurrent: Bool {
        state.withLock { state in
            guard let thread = state.thread else { return false }
            return pthread_equal(thread, pthread_self()) != 0
        }
    }

    // MARK: Turns

    /// Sets the work that the thread does after its jobs each time it wakes up; `nil` for none.
    ///
    /// The thread keeps the closure until it is replaced or the thread stops.
    package func setTurn(_ turn: Turn?) {
        state.withLock { $0.turn = turn }
        wake()
    }

    /// Wakes the thread up, or prevents its next sleep. While the thread is awake, this costs one atomic exchange.
    package func wake() {
        guard wakeState.exchange(WakeState.notified, ordering: .sequentiallyConsistent) == WakeState.asleep else { return }
        WakeUps.post { [self] in signal() }
    }

    private func signal() {
        var one: UInt64 = 1
        // A full counter means that the thread has been woken already.
        _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }

    /// Ends the thread after the jobs that were enqueued before, and waits for its end. Jobs that are enqueued later never run.
    ///
    /// Where the last jobs may take long, do not call it on the cooperative pool.
    package func stop() {
        precondition(!isCurrent, "the thread \(name) cannot wait for its own end")
        let thread = state.withLock { state in
            state.isStopping = true
            defer { state.isJoined = true }
            return state.isJoined ? nil : state.thread
        }
        // This signal is neither batched nor left to an earlier, batched wake-up: the caller waits here, possibly within a batch.
        signal()
        if let thread { pthread_join(thread, nil) }
    }

    private func main() {
        bos_name_thread(name)
        // The creator sets this too. Whichever runs first, both know the thread.
        state.withLock { $0.thread = pthread_self() }
        while true {
            // From here on a wake-up is remembered until the next attempt to sleep.
            wakeState.store(WakeState.working, ordering: .sequentiallyConsistent)
            let (turn, isStopping) = runJobs()
            if isStopping { break }
            sleep(turn?() ?? .forJobs)
        }
    }

    private func runJobs() -> (Turn?, isStopping: Bool) {
        while true {
            let (jobs, turn, isStopping) = state.withLock { state in
                let jobs = state.jobs
                state.jobs.removeAll(keepingCapacity: jobs.count <= 1024)
                if state.isStopping, jobs.isEmpty { state.turn = nil }
                return (jobs, state.turn, state.isStopping)
            }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            // A stop also waits for jobs that these jobs have enqueued. Otherwise the turn runs between two batches of jobs.
            if jobs.isEmpty || !isStopping { return (turn, isStopping && jobs.isEmpty) }
        }
    }

    private func sleep(_ wait: Wait) {
        let (exchanged, _) = wakeState.compareExchange(
            expected: WakeState.working, desired: WakeState.asleep, ordering: .sequentiallyConsistent)
        guard exchanged else { return }
        var watched = [
            pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wait.descriptor ?? -1, events: Int16(POLLIN) | (wait.forWriting ? Int16(POLLOUT) : 0), revents: 0),
        ]
        // An interrupted sleep is only a short sleep.
        _ = poll(&watched, nfds_t(watched.count), wait.milliseconds)
        if watched[0].revents != 0 {
            var count: UInt64 = 0
            _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
        }
    }
}

/// Why a dedicated thread could not be started.
package enum DedicatedThreadError: Error, CustomStringConvertible {
    /// The system call failed with this `errno`, because the process has no descriptors or threads left.
    case cannotStart(name: String, call: String, code: Int32)

    package var description: String {
        switch self {
        case .cannotStart(let name, let call, let code):
            "the thread \(name) could not be started: \(call) failed (\(String(cString: strerror(code)))); raise the limits of open files and tasks"
        }
    }
}
