import Ledger

/// What one caller wants done in the next transaction.
struct Errand: Sendable {
    /// Whether it changes anything; a transaction of readers alone takes no lock and waits for no disk.
    let writes: Bool
    /// Does the work inside the open transaction. The result tells the caller, to be called once it is committed.
    let perform: @Sendable (LedgerSession) throws -> @Sendable () -> Void
    /// Tells the caller that nothing was done.
    let fail: @Sendable (LedgerError) -> Void

    init<Value: Sendable>(
        writes: Bool, _ continuation: CheckedContinuation<Result<Value, LedgerError>, Never>,
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
