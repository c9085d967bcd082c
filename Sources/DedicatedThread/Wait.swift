/// How a dedicated thread sleeps after its turn: until a descriptor is ready, until a time, or until the next job.
package struct Wait: Sendable {
    /// The descriptor to watch; `nil` for none.
    package var descriptor: Int32?
    /// Whether the sleep also ends when the descriptor can be written to, not only when it has data.
    package var forWriting: Bool
    /// The longest sleep; `nil` for no limit.
    package var timeout: Duration?

    /// A job and `wake()` end every sleep, whatever the arguments are.
    package init(descriptor: Int32? = nil, forWriting: Bool = false, timeout: Duration? = nil) {
        self.descriptor = descriptor
        self.forWriting = forWriting
        self.timeout = timeout
    }

    /// Sleeps until a job is enqueued or `wake()` is called.
    package static let forJobs = Wait()

    /// The timeout for poll(2). It is rounded up, so that the thread does not spin just before a deadline.
    var milliseconds: Int32 {
        guard let timeout else { return -1 }
        guard timeout > .zero else { return 0 }
        let (seconds, attoseconds) = timeout.components
        let rounded = min(seconds, 86_400) * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(clamping: rounded)
    }
}
