package import JobModel

/// What an operator does with a command that changes something.
package struct OperatorAction: Sendable, Equatable {
    /// Grows with time.
    package typealias ID = Int64

    package var at: Timestamp
    /// The user's name; under `sudo` also the name of the caller.
    package var user: String
    package var host: String
    /// The subcommand of `bosctl` with the options that matter, such as `resolve --failed`.
    package var command: String
    /// What it is about: a job's reference or a queue. Empty if it is about neither.
    package var subject: String
    /// The operator's reason: one line without a subscriber number.
    package var reason: String

    package init(at: Timestamp, user: String, host: String, command: String, subject: String = "", reason: String) {
        self.at = at
        self.user = user
        self.host = host
        self.command = command
        self.subject = subject
        self.reason = reason
    }
}

/// An action as the ledger has it.
package struct RecordedAction: Sendable, Equatable {
    package let id: OperatorAction.ID
    package let action: OperatorAction
    /// How it ended; `nil` if the command runs, or was interrupted.
    package var result: String?
    package var endedAt: Timestamp?

    package init(id: OperatorAction.ID, _ action: OperatorAction, result: String? = nil, endedAt: Timestamp? = nil) {
        self.id = id
        self.action = action
        self.result = result
        self.endedAt = endedAt
    }
}

/// A lane that an operator holds: its jobs stay in their queue until the operator ends the hold.
package struct LaneHold: Sendable, Equatable {
    package var since: Timestamp
    package var user: String
    package var host: String
    package var reason: String

    package init(since: Timestamp, user: String, host: String, reason: String) {
        self.since = since
        self.user = user
        self.host = host
        self.reason = reason
    }
}

extension LaneHold: CustomStringConvertible {
    package var description: String { "held by \(user) at \(host) since \(since.rfc3339): \(reason)" }
}
