private import Glibc

/// Gathers wake-ups: whatever a batch of work hands to other threads is announced once, at the batch's end.
///
/// Waking a thread costs a system call and, where processors are few, most often one's own place on the processor: the woken thread finds a
/// single item, does it and sleeps again. Announced together, a batch is taken over as a batch.
package enum WakeUps {
    /// What this thread has put off in the batch it works on; `nil` outside of any.
    private final class Batch {
        var wakeUps: [() -> Void] = []
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let code = pthread_key_create(&key, nil)
        precondition(code == 0, "the process has no thread-specific key left")
        return key
    }()

    private static var batch: Batch? {
        pthread_getspecific(key).map { Unmanaged<Batch>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Runs `body` on this thread; the wake-ups that it asks for happen when it has returned.
    ///
    /// The body must be short, and must not wait for a network or another thread: until it is done nobody hears of what it has handed over,
    /// nor of what others hand over to whom it is about to wake.
    package static func batched<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) {
        let outer = pthread_getspecific(key)
        let batch = Batch()
        pthread_setspecific(key, Unmanaged.passUnretained(batch).toOpaque())
        defer {
            pthread_setspecific(key, outer)
            for wakeUp in batch.wakeUps { wakeUp() }
        }
        try body()
    }

    /// Wakes somebody up: at once, or at the end of the batch that this thread works on.
    package static func post(_ wakeUp: @escaping () -> Void) {
        guard let batch else { return wakeUp() }
        batch.wakeUps.append(wakeUp)
    }
}
