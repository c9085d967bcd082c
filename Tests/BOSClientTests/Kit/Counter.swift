import Synchronization

/// Counts from 1.
final class Counter: Sendable {
    private let count = Mutex(0)

    /// What was given out last; 0 if nothing was.
    var last: Int { count.withLock { $0 } }

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
