internal import DequeModule

/// The written messages whose confirm is outstanding, in order. Their numbers count from 1, as the broker counts them.
struct Confirms {
    private struct Entry {
        var publish: Publish
        /// Whether its caller has stopped waiting. The broker's answer is outstanding all the same.
        var isReleased = false
        var returned: PublishError?
        let writtenAt: ContinuousClock.Instant
    }

    /// An answered entry is `nil`. Answered entries at the front are removed.
    private var entries: Deque<Entry?> = []
    private var first: UInt64 = 1
    /// The numbers of the messages whose callers have stopped waiting, by message id.
    private var released: [String: UInt64] = [:]
    /// The number of callers that wait.
    private(set) var count = 0
    /// The number of messages without an answer, including those whose callers have stopped waiting.
    private(set) var unanswered = 0

    /// When the oldest message without an answer was written.
    var oldest: ContinuousClock.Instant? { entries.first??.writtenAt }

    /// Records a message that is about to be written.
    mutating func append(_ publish: Publish, at now: ContinuousClock.Instant) {
        entries.append(Entry(publish: publish, writtenAt: now))
        count += 1
        unanswered += 1
    }

    /// Attaches the caller to an earlier copy of the same message whose own caller has stopped waiting. A second copy on the wire would
    /// not be confirmed sooner. Messages without an id are never considered the same.
    mutating func adopt(_ publish: Publish) -> Bool {
        guard let id = publish.message.properties.messageID, let number = released[id], case let index = Int(number - first),
            let entry = entries[index], entry.publish.isSame(as: publish)
        else { return false }
        released[id] = nil
        entries[index]?.publish = publish
        entries[index]?.isReleased = false
        count += 1
        return true
    }

    /// Answers one message, or all messages up to it.
    ///
    /// - Throws: `SessionError.protocolViolation` for a number that is not outstanding.
    mutating func answer(_ number: UInt64, multiple: Bool, with error: PublishError?) throws(SessionError) {
        // Zero with `multiple` means all outstanding messages.
        let last = multiple && number == 0 ? first + UInt64(entries.count) - 1 : number
        guard last >= first || multiple, last < first + UInt64(entries.count) else {
            throw .protocolViolation("it confirmed message \(number), which is not outstanding")
        }
        if multiple {
            while first <= last, let entry = entries.popFirst() {
                first += 1
                resume(entry, with: error)
            }
        } else {
            let index = Int(last - first)
            let entry = entries[index]
            entries[index] = nil
            resume(entry, with: error)
        }
        while case .some(.none) = entries.first {
            entries.removeFirst()
            first += 1
        }
    }

    private mutating func resume(_ entry: Entry?, with error: PublishError?) {
        guard let entry else { return }
        unanswered -= 1
        if entry.isReleased {
            if let id = entry.publish.message.properties.messageID { released[id] = nil }
        } else {
            count -= 1
            entry.publish.finish(error ?? entry.returned)
        }
    }

    /// Answers callers whose time is over, from the oldest message on, up to the first caller that still has time.
    mutating func expire(at now: ContinuousClock.Instant) {
        guard count > 0 else { return }
        for index in entries.indices {
            guard let entry = entries[index], !entry.isReleased else { continue }
            guard entry.publish.isOverdue(at: now) else { return }
            count -= 1
            entries[index]?.isReleased = true
            if let id = entry.publish.message.properties.messageID { released[id] = first + UInt64(index) }
            entry.publish.finish(.outcomeUnknown("the broker did not confirm it in time"))
        }
    }

    /// Records that the broker has returned a message. Its confirm follows.
    ///
    /// A return carries no number. It belongs to the oldest unanswered mandatory message that looks the same to its receiver. If two
    /// messages look the same, it does not matter which of their callers gets the error.
    mutating func returned(_ message: Message, size: UInt64, exchange: String, routingKey: String, error: PublishError) {
        for index in entries.indices {
            guard let entry = entries[index], entry.returned == nil, entry.publish.mandatory, entry.publish.routingKey == routingKey,
                entry.publish.exchange == exchange, entry.publish.message.isSame(as: message, size: size)
            else { continue }
            entries[index]?.returned = error
            return
        }
    }

    /// Starts over because the channel is closed, and hands out the messages without an answer. A message that was returned is answered
    /// now, because the broker has not kept it.
    mutating func close() -> [(publish: Publish, isReleased: Bool)] {
        var open: [(Publish, Bool)] = []
        for case let entry? in entries {
            guard let error = entry.returned else {
                open.append((entry.publish, entry.isReleased))
                continue
            }
            if !entry.isReleased { entry.publish.finish(error) }
        }
        self = Confirms()
        return open
    }

    /// Ends with the session. The outcome of every unconfirmed message is unknown, unless it was returned.
    mutating func abandon(reason: String) {
        let abandoned = entries
        self = Confirms()
        for case let entry? in abandoned where !entry.isReleased { entry.publish.finish(entry.returned ?? .outcomeUnknown(reason)) }
    }
}

extension Message {
    /// Whether a returned message is this one. A body that was too large to be kept can be compared by its size alone.
    fileprivate func isSame(as other: Message, size: UInt64) -> Bool {
        UInt64(body.count) == size && (other.body.count != body.count || other.body == body)
            && properties.messageID == other.properties.messageID && properties.correlationID == other.properties.correlationID
            && properties.type == other.properties.type && properties.replyTo == other.properties.replyTo
    }
}
