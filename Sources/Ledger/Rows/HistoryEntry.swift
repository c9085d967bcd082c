package import JobModel

/// One line of a job's append-only history.
package struct HistoryEntry: Sendable, Equatable {
    /// What happened. The raw value is stored.
    package enum Event: String, Sendable, CaseIterable {
        case accepted
        case resumed
        case sending
        case notTaken = "not_taken"
        case doubt
        case enquired
        case waiting
        case released
        case requeued
        case parked
        case settled
        case told
        case finished
        case conflict
        /// Never stored: stands for a line that cannot be read.
        case unreadable
    }

    package var at: Timestamp
    package var event: Event
    /// One clause for people; no subscriber number, no secret.
    package var detail: String

    package init(at: Timestamp, _ event: Event, _ detail: String = "") {
        self.at = at
        self.event = event
        self.detail = detail
    }
}
