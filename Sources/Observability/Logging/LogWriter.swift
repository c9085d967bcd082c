import DedicatedThread
import Glibc
import Synchronization

/// A bounded buffer of lines, and a thread that writes them to a file descriptor.
final class LogWriter: Sendable {
    private struct State {
        /// The bytes of whole lines.
        var waiting: [UInt8] = []
        var isWriting = false
        /// The lines dropped since the last line that reported dropped lines.
        var unreported = 0
        /// All lines dropped so far.
        var dropped = 0
    }

    private let descriptor: Int32
    private let capacity: Int
    private let state = Mutex(State())
    /// `nil` if the system could not start a thread. Then the logging thread writes each line itself.
    private let thread: DedicatedThread?

    /// - Parameters:
    ///   - descriptor: where to write. The caller closes it.
    ///   - capacity: how many bytes may wait to be written.
    init(descriptor: Int32, capacity: Int) {
        self.descriptor = descriptor
        self.capacity = capacity
        thread = try? DedicatedThread(name: "log", stackSize: 512 << 10)
    }

    deinit { thread?.stop() }

    /// Begins to write.
    /// - Parameter notice: makes the line that reports how many lines were dropped.
    func start(noticeOf notice: @escaping @Sendable (_ dropped: Int) -> [UInt8]) {
        thread?.setTurn { [weak self] in
            while let self, let (bytes, dropped) = self.takeWaiting() {
                self.write(bytes)
                if dropped > 0 { self.write(notice(dropped)) }
            }
            return .forJobs
        }
    }

    var droppedLines: Int { state.withLock { $0.dropped } }

    /// Puts a line into the buffer, or drops it if the buffer is full. A line that is longer than the buffer fits if no other line waits.
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

    /// Waits until the buffer is empty and written, but no longer than `limit`.
    func flush(within limit: Duration) {
        guard let thread else { return }
        let deadline = ContinuousClock.now + limit
        thread.wake()
        // A check each millisecond is enough, because only the end of a process or a test waits here.
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

    /// Writes all bytes. An error that does not pass by itself drops the rest, because a broken log must not stop the work.
    private func write(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                offset += written
            } else if errno == EAGAIN {
                // Other processes share standard error, and one of them may have made it non-blocking.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, 100)
            } else if errno != EINTR {
                return
            }
        }
    }
}
