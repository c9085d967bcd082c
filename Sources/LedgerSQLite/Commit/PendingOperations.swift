import Ledger
private import Synchronization

/// One caller's operation, for the next transaction.
struct LedgerOperation: Sendable {
    /// A transaction without writing operations takes no lock and does not wait for the disk.
    let writes: Bool
    /// Works inside the open transaction. The result resumes the caller; call it once the transaction is committed.
    let perform: @Sendable (LedgerSession) throws -> @Sendable () -> Void
    /// Resumes the caller with an error. Call it only if nothing was changed for this operation.
    let fail: @Sendable (LedgerError) -> Void

    init<Value: Sendable>(
        writes: Bool, resuming continuation: CheckedContinuation<Result<Value, LedgerError>, Never>,
        _ body: @escaping @Sendable (LedgerSession) throws -> Value
    ) {
        self.writes = writes
        perform = { session in
            let value = try body(session)
            return { continuation.resume(returning: .success(value)) }
        }
        fail = { continuation.resume(returning: .failure($0)) }
    }
}

/// The operations for the next transactions, in the order of their arrival.
final class PendingOperations: Sendable {
    private struct State {
        var operations: [LedgerOperation] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// - Returns: `false` if the ledger is closed; the operation was not taken.
    func append(_ operation: LedgerOperation) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.operations.append(operation)
            return true
        }
    }

    /// Takes the next group out; `nil` if there is none.
    func next(_ maximum: Int) -> [LedgerOperation]? {
        state.withLock { state in
            guard !state.operations.isEmpty else { return nil }
            let group = Array(state.operations.prefix(maximum))
            if group.count == state.operations.count {
                state.operations.removeAll(keepingCapacity: true)
            } else {
                state.operations.removeFirst(group.count)
            }
            return group
        }
    }

    /// Refuses all later operations.
    /// - Returns: whether this call has closed the queue, not an earlier one.
    func close() -> Bool {
        state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
    }
}
