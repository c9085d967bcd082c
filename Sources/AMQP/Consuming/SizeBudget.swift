private import Synchronization

/// Bounds what a connection keeps in memory of messages that are larger than ordinary ones, however many the prefetch allows.
final class SizeBudget: Sendable {
    private let free: Mutex<Int>

    /// - Parameter bytes: of all large messages together.
    init(bytes: Int) { free = Mutex(bytes) }

    /// Room for one message; `nil` if there is none. It is given back when the last reference to the result is gone.
    func reserve(_ bytes: Int) -> Reservation? {
        let isReserved = free.withLock { free in
            guard bytes <= free else { return false }
            free -= bytes
            return true
        }
        return isReserved ? Reservation(bytes, of: self) : nil
    }

    final class Reservation: Sendable {
        private let bytes: Int
        private let budget: SizeBudget

        fileprivate init(_ bytes: Int, of budget: SizeBudget) { (self.bytes, self.budget) = (bytes, budget) }

        deinit { budget.free.withLock { $0 += bytes } }
    }
}
