/// What a dedicated thread sleeps for once its turn is over: a descriptor, a moment, or only the next job.
package struct Wait: Sendable {
    /// The descriptor to watch; nil watches none.
    package var descriptor: Int32?
    /// Whether room to write ends the sleep as well as data to read.
    package var forWriting: Bool
    /// The longest sleep; nil sleeps until something happens.
    package var timeout: Duration?

    package init(descriptor: Int32? = nil, forWriting: Bool = false, timeout: Duration? = nil) {
        self.descriptor = descriptor
        self.forWriting = forWriting
        self.timeout = timeout
    }

    /// Sleeps until a job is enqueued or `wake()` is called.
    package static let forJobs = Wait()

    /// The timeout for poll(2): rounded up, so that a deadline is never met by spinning just before it.
    var milliseconds: Int32 {
        guard let timeout else { return -1 }
        guard timeout > .zero else { return 0 }
        let (seconds, attoseconds) = timeout.components
        let rounded = min(seconds, 86_400) * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(clamping: rounded)
    }
}
