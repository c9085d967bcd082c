import JobEngine
import Ledger

extension OperatorLedger {
    /// Carries out a command that changes something, and records it: before it begins, and with its result when it ends. An interrupted command
    /// stays on record without a result.
    /// - Parameters:
    ///   - command: the subcommand with the options that matter.
    ///   - subject: the job's reference or the queue.
    ///   - body: carries the command out. Returns its result as one clause without a subscriber number.
    func recording(
        _ command: String, about subject: String = "", because reason: String, carryingOut body: () async throws -> String
    ) async throws {
        let identity = OperatorIdentity.current
        let clock = SystemClock()
        let action = OperatorAction(
            at: clock.now(), user: identity.user.printable, host: identity.host.printable, command: command, subject: subject.printable,
            reason: reason)
        let id = try await begin(action)
        do {
            let result = try await body()
            try await end(id, result: result, at: clock.now())
        } catch {
            // The failure itself is what the operator has to see.
            try? await end(id, result: Self.result(of: error).printable, at: clock.now())
            throw error
        }
    }

    private static func result(of error: any Error) -> String {
        // The command has done what it was asked for.
        if case .repliesOwed? = error as? CommandFailure { return "\(error)" }
        return "failed: \(error)"
    }
}
