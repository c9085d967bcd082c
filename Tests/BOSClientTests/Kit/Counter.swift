import Synchronization

/// Counts calls, from 1.
final class Counter: Sendable {
    private let count = Mutex(0)

    /// The last number that was returned; 0 if none was.
    var last: Int { count.withLock { $0 } }

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
