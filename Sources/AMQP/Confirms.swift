internal import DequeModule

/// The messages on the wire whose confirm is still to come, in the order they were written. Confirm numbers are counted from 1, as the broker counts them.
struct Confirms {
    private struct Entry {
        /// nil once its caller waits no longer; the broker's answer is still to come.
        var publish: Publish?
        var returned: PublishError?
    }

    /// An entry is nil once it is answered; answered ones at the front are dropped.
    private var entries: Deque<Entry?> = []
    private var first: UInt64 = 1
    private(set) var count = 0

    /// Notes a message that is about to be written.
    mutating func append(_ publish: Publish) {
        entries.append(Entry(publish: publish))
        count += 1
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
        guard let entry, let publish = entry.publish else { return }
        count -= 1
        publish.finish(error ?? entry.returned)
    }

    /// Lets go of callers whose time is over: oldest first, up to the first that still has some.
    mutating func expire(at now: ContinuousClock.Instant) {
        for index in entries.indices {
            guard let publish = entries[index]?.publish else { continue }
            guard publish.isOverdue(at: now) else { return }
            count -= 1
            entries[index]?.publish = nil
            publish.finish(.outcomeUnknown("the broker did not confirm it in time"))
        }
    }

    /// Notes that the broker returned a message. Its confirm follows.
    ///
    /// A return carries no number. It belongs to the oldest unanswered mandatory message that is the same in every respect the receiver could see; should two
    /// be that alike, it does not matter which of them is told.
    mutating func returned(_ message: Message, size: UInt64, exchange: String, routingKey: String, error: PublishError) {
        for index in entries.indices {
            guard let entry = entries[index], entry.returned == nil, let publish = entry.publish, publish.mandatory,
                publish.routingKey == routingKey, publish.exchange == exchange, publish.message.isSame(as: message, size: size)
            else { continue }
            entries[index]?.returned = error
            return
        }
    }

    /// The session is over: of none of them it is known what became of it.
    mutating func abandon(reason: String) {
        let abandoned = entries
        entries = []
        count = 0
        for entry in abandoned { entry?.publish?.finish(.outcomeUnknown(reason)) }
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
