package import JobModel

/// One entry of a job's append-only history.
package struct HistoryEntry: Sendable, Equatable {
    /// What happened. The raw value is stored.
    package enum Event: String, Sendable, CaseIterable {
        case accepted
        case resumed
        case sending
        case doubt
        case enquired
        case waiting
        case released
        case requeued
        case parked
        /// An operator has decided the outcome of a recharge, or has ordered it to be sent again.
        case resolved = "settled"
        case finished
        case conflict
        /// Never stored. Replaces an entry that cannot be read.
        case unreadable
    }

    package var at: Timestamp
    package var event: Event
    /// One clause for operators. It holds no subscriber number and no secret.
    package var detail: String

    package init(at: Timestamp, _ event: Event, detail: String = "") {
        self.at = at
        self.event = event
        self.detail = detail
    }
}

extension HistoryEntry {
    /// The entry for a job that the poller has put back on its queue.
    package static func requeued(at now: Timestamp) -> HistoryEntry { HistoryEntry(at: now, .requeued) }
}
