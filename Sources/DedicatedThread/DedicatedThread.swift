private import CLinux
private import Glibc
private import Synchronization

/// A serial executor on one named operating-system thread that sleeps in poll(2) while there is nothing to do.
///
/// For work that must not block the cooperative pool: a C library that may be used from one thread only, or one that waits for the disk. An actor takes it
/// as its executor (`unownedExecutor`), and the compiler then guards what the library demands. The thread lives until `stop()`; whoever made it ends it.
package final class DedicatedThread: SerialExecutor {
    /// What the thread does after its jobs, on the thread, each time it wakes; the result says how long it may sleep now.
    package typealias Turn = @Sendable () -> Wait

    /// Shown in `top -H` and by debuggers; Linux keeps the first 15 bytes.
    package let name: String

    private struct State {
        var jobs: [UnownedJob] = []
        var turn: Turn?
        var isStopping = false
        var thread: pthread_t?
        var isJoined = false
    }

    /// Whether a wake-up must be written to the descriptor: the thread is at work and will look again, it sleeps, or it has been told already.
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
    ///   - name: what the thread is called.
    ///   - stackSize: bytes of address space, touched only as needed. A C library that recurses over what the network sent needs more than a Swift one.
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
        // The thread holds this object until it ends, so that it never outlives its own state.
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

    /// Sets what the thread does after its jobs each time it wakes, or nothing.
    ///
    /// The closure is kept until it is replaced or the thread stops.
    package func setTurn(_ turn: Turn?) {
        state.withLock { $0.turn = turn }
        wake()
    }

    /// Ends the thread's sleep, or makes its next one not begin. Cheap while the thread is awake: one atomic exchange.
    package func wake() {
        guard wakeState.exchange(WakeState.notified, ordering: .sequentiallyConsistent) == WakeState.asleep else { return }
        WakeUps.post { [self] in signal() }
    }

    private func signal() {
        var one: UInt64 = 1
        // A full counter means that the thread has been woken already.
        _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }

    /// Ends the thread once the jobs enqueued so far have run, and waits for its end.
    ///
    /// Call it from another thread than the cooperative pool's where the last jobs may take long. Jobs enqueued later never run.
    package func stop() {
        precondition(!isCurrent, "the thread \(name) cannot wait for its own end")
        let thread = state.withLock { state in
            state.isStopping = true
            defer { state.isJoined = true }
            return state.isJoined ? nil : state.thread
        }
        // Not put off, nor left to a wake-up that was: the caller waits right here, in the middle of a batch or not.
        signal()
        if let thread { pthread_join(thread, nil) }
    }

    private func main() {
        bos_name_thread(name)
        // Set here as well as by the creator: whichever comes first, both know who the thread is.
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
            // A stop waits for the jobs that these have led to; otherwise the turn has its say between two batches.
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
        // An interrupted sleep is merely a short one.
        _ = poll(&watched, nfds_t(watched.count), wait.milliseconds)
        if watched[0].revents != 0 {
            var count: UInt64 = 0
            _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
        }
    }
}

/// Why a dedicated thread could not be had.
package enum DedicatedThreadError: Error, CustomStringConvertible {
    /// The system call failed with this `errno`: the process is out of descriptors or threads.
    case cannotStart(name: String, call: String, code: Int32)

    package var description: String {
        switch self {
        case .cannotStart(let name, let call, let code):
            "the thread \(name) could not be started: \(call) failed (\(String(cString: strerror(code)))); raise the limits of open files and tasks"
        }
    }
}
