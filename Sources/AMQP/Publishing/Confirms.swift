internal import DequeModule

/// The messages on the wire whose confirm is still to come, in the order they were written. Confirm numbers are counted from 1, as the broker counts them.
struct Confirms {
    private struct Entry {
        var publish: Publish
        /// Its caller waits no longer; the broker's answer is still to come.
        var isReleased = false
        var returned: PublishError?
        let writtenAt: ContinuousClock.Instant
    }

    /// An entry is nil once it is answered; answered ones at the front are dropped.
    private var entries: Deque<Entry?> = []
    private var first: UInt64 = 1
    /// The numbers of those whose callers wait no longer, by message id.
    private var released: [String: UInt64] = [:]
    /// Callers that wait.
    private(set) var count = 0
    /// Messages without an answer, those included whose callers wait no longer.
    private(set) var unanswered = 0

    /// When the oldest message without an answer was written.
    var oldest: ContinuousClock.Instant? { entries.first??.writtenAt }

    /// Notes a message that is about to be written.
    mutating func append(_ publish: Publish, at now: ContinuousClock.Instant) {
        entries.append(Entry(publish: publish, writtenAt: now))
        count += 1
        unanswered += 1
    }

    /// Lets the caller wait for the answer to the same message, if that was written before and its caller waits no longer: a second copy would not be
    /// answered sooner. Messages without an id are never taken for the same.
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

    /// Answers one message, or all up to it. Numbers that are not waited for are the peer's error.
    mutating func answer(_ number: UInt64, multiple: Bool, with error: PublishError?) throws(SessionError) {
        // Zero with `multiple` means all that are outstanding.
        let last = multiple && number == 0 ? first + UInt64(entries.count) - 1 : number
        guard last >= first || multiple, last < first + UInt64(entries.count) else {
            throw .protocolViolation("it confirmed message \(number), which is not waiting for it")
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

    /// Lets go of callers whose time is over: oldest first, up to the first that still has some.
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

    /// Notes that the broker returned a message. Its confirm follows.
    ///
    /// A return carries no number. It belongs to the oldest unanswered mandatory message that is the same in every respect the receiver could see; should two
    /// be that alike, it does not matter which of them is told.
    mutating func returned(_ message: Message, size: UInt64, exchange: String, routingKey: String, error: PublishError) {
        for index in entries.indices {
            guard let entry = entries[index], entry.returned == nil, entry.publish.mandatory, entry.publish.routingKey == routingKey,
                entry.publish.exchange == exchange, entry.publish.message.isSame(as: message, size: size)
            else { continue }
            entries[index]?.returned = error
            return
        }
    }

    /// The channel is closed: begins anew and hands out what had no answer. What was returned already is answered now: the broker has kept nothing of it.
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

    /// The session is over: of none of them it is known what became of it.
    mutating func abandon(reason: String) {
        let abandoned = entries
        self = Confirms()
        for case let entry? in abandoned where !entry.isReleased { entry.publish.finish(entry.returned ?? .outcomeUnknown(reason)) }
    }
}

extension Message {
    /// Whether a message that came back is this one. A body that was passed over for its size can only be compared by it.
    fileprivate func isSame(as other: Message, size: UInt64) -> Bool {
        UInt64(body.count) == size && (other.body.count != body.count || other.body == body)
            && properties.messageID == other.properties.messageID && properties.correlationID == other.properties.correlationID
            && properties.type == other.properties.type && properties.replyTo == other.properties.replyTo
    }
}
