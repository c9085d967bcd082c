/// Replies that are owed, some at a time.
package struct OwedReplies: Sendable, Equatable {
    package var replies: [OutgoingReply]
    /// Replies whose rows cannot be read, by their ids: for a person.
    package var unreadable: [OutgoingReply.ID]

    package init(_ replies: [OutgoingReply] = [], unreadable: [OutgoingReply.ID] = []) {
        self.replies = replies
        self.unreadable = unreadable
    }

    /// Behind this one the next are to be read; `nil` if there are no more.
    package var last: OutgoingReply.ID? { [replies.last?.id, unreadable.last].compactMap { $0 }.max() }
}
