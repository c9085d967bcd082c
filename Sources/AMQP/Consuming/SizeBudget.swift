private import Synchronization

/// Limits the memory of a connection for large messages, whatever the prefetch is.
final class SizeBudget: Sendable {
    private let free: Mutex<Int>

    /// - Parameter bytes: the limit for all large messages together.
    init(bytes: Int) { free = Mutex(bytes) }

    /// Reserves memory for one message; `nil` if not enough is left. The memory is free again when the last reference to the result is
    /// gone.
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
