import DedicatedThread
import Glibc
import Synchronization
import Testing

@Suite("a dedicated thread", .timeLimit(.minutes(1)))
struct DedicatedThreadTests {
    private actor Counter {
        nonisolated let thread: DedicatedThread
        nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
        private(set) var count = 0
        private var threads: Set<pthread_t> = []
        var threadCount: Int { threads.count }

        init(_ thread: DedicatedThread) {
            self.thread = thread
        }

        func increment() {
            count += 1
            threads.insert(pthread_self())
        }
    }

    @Test("an actor on the thread runs on that thread alone, whatever thread calls it")
    func actorRunsOnOneThread() async throws {
        let thread = try DedicatedThread(name: "test")
        defer { thread.stop() }
        let counter = Counter(thread)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2000 { group.addTask { await counter.increment() } }
        }
        #expect(await counter.count == 2000)
        #expect(await counter.threadCount == 1)
    }

    @Test("the thread knows whether the caller runs on it, and so does its actor")
    func callerOnThreadIsRecognised() async throws {
        let thread = try DedicatedThread(name: "test")
        defer { thread.stop() }
        let counter = Counter(thread)
        #expect(!thread.isCurrent)
        let count = await withCheckedContinuation { continuation in
            thread.setTurn {
                // A turn runs outside of any job.
                guard thread.isCurrent else { return .forJobs }
                thread.setTurn(nil)
                continuation.resume(returning: counter.assumeIsolated { $0.count })
                return .forJobs
            }
        }
        #expect(count == 0)
    }

    @Test("the thread sleeps until the descriptor of its turn has data")
    func sleepEndsWithDataOnDescriptor() async throws {
        var pipes: [Int32] = [0, 0]
        try #require(pipe(&pipes) == 0)
        let (readEnd, writeEnd) = (pipes[0], pipes[1])
        let thread = try DedicatedThread(name: "test")
        let turns = Atomic<Int>(0)
        let received = await withCheckedContinuation { continuation in
            let state = Mutex<CheckedContinuation<UInt8, Never>?>(continuation)
            thread.setTurn {
                // The first turn finds nothing and writes at the other end. Only the descriptor can cause the second turn.
                if turns.add(1, ordering: .relaxed).newValue == 1 {
                    var byte: UInt8 = 42
                    _ = write(writeEnd, &byte, 1)
                    return Wait(descriptor: readEnd)
                }
                var byte: UInt8 = 0
                guard read(readEnd, &byte, 1) == 1 else { return .forJobs }
                state.withLock { $0.take() }?.resume(returning: byte)
                return .forJobs
            }
        }
        #expect(received == 42)
        thread.stop()
        close(readEnd)
        close(writeEnd)
    }

    @Test("a wake-up is never lost, however close it comes to the sleep")
    func wakeUpIsNeverLost() async throws {
        let thread = try DedicatedThread(name: "test")
        let counter = Counter(thread)
        // Each job is enqueued as the thread goes to sleep after the job before. A lost wake-up hangs until the time limit.
        for _ in 0..<20_000 { await counter.increment() }
        #expect(await counter.count == 20_000)
        thread.stop()
    }

    @Test("stopping runs the enqueued jobs and ends the thread")
    func stopRunsEnqueuedJobs() async throws {
        let thread = try DedicatedThread(name: "test-stopping")
        let counter = Counter(thread)
        let task = Task { await counter.increment() }
        await task.value
        thread.stop()
        #expect(!thread.isCurrent)
        thread.stop()
    }

    @Test("the timeout of a sleep is rounded up to whole milliseconds")
    func sleepTimeoutIsRoundedUp() async throws {
        let thread = try DedicatedThread(name: "test")
        let turns = Atomic<Int>(0)
        let start = Mutex(ContinuousClock.now)
        let slept = await withCheckedContinuation { continuation in
            let state = Mutex<CheckedContinuation<Duration, Never>?>(continuation)
            thread.setTurn {
                // 1.5 ms: rounded down, the next turn would come too early. The wake-up that came with the turn may cut the first sleep short.
                let turn = turns.add(1, ordering: .relaxed).newValue
                if turn == 2 { start.withLock { $0 = .now } }
                guard turn > 2 else { return Wait(timeout: .microseconds(1500)) }
                state.withLock { $0.take() }?.resume(returning: start.withLock { $0 }.duration(to: .now))
                return .forJobs
            }
        }
        #expect(slept >= .microseconds(1500))
        thread.stop()
    }

    @Test("wake-ups in a batch run at its end, those of an inner batch at the end of the inner one, and all others at once")
    func batchedWakeUpsRunAtEnd() {
        var story: [String] = []
        func announce(_ name: String) { WakeUps.post { story.append("\(name) woken") } }
        WakeUps.batched {
            announce("outer")
            story.append("outer goes on")
            WakeUps.batched {
                announce("inner")
                story.append("inner goes on")
            }
            story.append("outer ends")
        }
        announce("orphaned")
        #expect(story == ["outer goes on", "inner goes on", "inner woken", "outer ends", "outer woken", "orphaned woken"])
    }

    @Test("the wake-ups of a batch that fails run all the same")
    func failedBatchRunsWakeUps() {
        struct Failure: Error {}
        var isWoken = false
        #expect(throws: Failure.self) {
            try WakeUps.batched { () throws(Failure) in
                WakeUps.post { isWoken = true }
                throw Failure()
            }
        }
        #expect(isWoken)
    }

    @Test("a thread can be stopped within a batch, even if it was woken in the batch before")
    func stopWithinBatch() throws {
        for _ in 0..<20 {
            let thread = try DedicatedThread(name: "test")
            let turns = Atomic<Int>(0)
            thread.setTurn {
                turns.add(1, ordering: .relaxed)
                return .forJobs
            }
            while turns.load(ordering: .relaxed) == 0 { sched_yield() }
            // The thread sleeps by now, or is about to: a matter of microseconds. Only a sleeping thread must be woken for its end.
            usleep(1000)
            WakeUps.batched {
                thread.wake()
                // This waits for the thread's end. A wake-up that waits for the batch's end would block both.
                thread.stop()
            }
        }
    }

    @Test("a thread that is woken within a batch wakes up at the end of the batch")
    func wakeUpWithinBatch() async throws {
        let thread = try DedicatedThread(name: "test")
        let waiting = Mutex<CheckedContinuation<Void, Never>?>(nil)
        thread.setTurn {
            waiting.withLock { $0.take() }?.resume()
            return .forJobs
        }
        for _ in 0..<5_000 {
            // Each batch finds the thread asleep, or about to sleep. A wake-up that is postponed and forgotten hangs.
            await withCheckedContinuation { continuation in
                WakeUps.batched {
                    waiting.withLock { $0 = continuation }
                    thread.wake()
                }
            }
        }
        thread.stop()
    }
}
