import DedicatedThread
import Glibc
import Synchronization

/// Lines on their way to a file descriptor: a bounded buffer and a thread that empties it.
final class LogWriter: Sendable {
    private struct State {
        /// Whole lines.
        var waiting: [UInt8] = []
        var isWriting = false
        /// Lines dropped since the last one that said so, and in all.
        var unreported = 0
        var dropped = 0
    }

    private let descriptor: Int32
    private let capacity: Int
    private let state = Mutex(State())
    /// `nil` if the system has no thread left: then each line is written where it is logged.
    private let thread: DedicatedThread?

    init(descriptor: Int32, capacity: Int) {
        self.descriptor = descriptor
        self.capacity = capacity
        thread = try? DedicatedThread(name: "log", stackSize: 512 << 10)
    }

    deinit { thread?.stop() }

    /// Begins to write.
    /// - Parameter notice: the line that says how many were dropped.
    func start(_ notice: @escaping @Sendable (_ dropped: Int) -> [UInt8]) {
        thread?.setTurn { [weak self] in
            while let self, let (bytes, dropped) = self.takeWaiting() {
                self.write(bytes)
                if dropped > 0 { self.write(notice(dropped)) }
            }
            return .forJobs
        }
    }

    var droppedLines: Int { state.withLock { $0.dropped } }

    func append(_ line: [UInt8]) {
        guard let thread else { return write(line) }
        let isAccepted = state.withLock { state in
            guard state.waiting.isEmpty || state.waiting.count + line.count <= capacity else {
                state.unreported += 1
                state.dropped += 1
                return false
            }
            state.waiting += line
            return true
        }
        if isAccepted { thread.wake() }
    }

    func flush(within limit: Duration) {
        guard let thread else { return }
        let deadline = ContinuousClock.now + limit
        thread.wake()
        // At the end of a process, or of a test: a millisecond is nothing.
        while state.withLock({ $0.isWriting || !$0.waiting.isEmpty }), ContinuousClock.now < deadline { usleep(1_000) }
    }

    private func takeWaiting() -> (bytes: [UInt8], dropped: Int)? {
        state.withLock { state in
            state.isWriting = !state.waiting.isEmpty
            guard state.isWriting else { return nil }
            defer { (state.waiting, state.unreported) = ([], 0) }
            return (state.waiting, state.unreported)
        }
    }

    /// A log that cannot be written must not stop the work, so any error but the passing ones drops the rest of the lines.
    private func write(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                offset += written
            } else if errno == EAGAIN {
                // Standard error is shared with other processes, one of which may have made it non-blocking.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, 100)
            } else if errno != EINTR {
                return
            }
        }
    }
}
