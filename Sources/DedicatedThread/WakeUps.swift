private import Glibc

/// Batches wake-ups: other threads are woken once, at the end of a batch of work.
///
/// A wake-up costs a system call. On a machine with few processors it usually costs the waking thread its processor as well: the
/// woken thread finds a single item, handles it and sleeps again. With batched wake-ups the other thread takes the whole batch.
package enum WakeUps {
    /// The wake-ups that this thread has postponed; `nil` outside of a batch.
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

    /// Runs `body` on this thread, and afterwards runs the wake-ups that it has posted.
    ///
    /// The body must be short, and must not wait for a network or another thread. Until it returns, none of the wake-ups it posted, nor
    /// later ones for the same targets, are delivered.
    ///
    /// - Throws: the error of `body`. The wake-ups run all the same.
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

    /// Wakes another thread up, at once or at the end of the current batch of this thread.
    package static func post(_ wakeUp: @escaping () -> Void) {
        guard let batch else { return wakeUp() }
        batch.wakeUps.append(wakeUp)
    }
}
