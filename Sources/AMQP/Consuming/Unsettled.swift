internal import DequeModule

/// The deliveries of one channel that the broker waits to hear about, and how to tell it in as few frames as possible.
struct Unsettled {
    /// A frame to write.
    enum Frame: Equatable {
        case ack(UInt64, multiple: Bool)
        case nack(UInt64, requeue: Bool)
    }

    private enum Mark {
        case outstanding
        case acked
        case reported
    }

    /// Delivery tags count from 1 on each channel; `marks[0]` is that of `first`.
    private var marks: Deque<Mark> = []
    private var first: UInt64 = 1
    private var acks: [UInt64] = []
    private var nacks: [Frame] = []

    /// Whether there was any delivery yet.
    var hasBegun: Bool { first > 1 || !marks.isEmpty }

    /// Whether the broker waits to hear about none.
    var isEmpty: Bool { marks.isEmpty }

    /// Whether the broker has been told everything.
    var isFlushed: Bool { acks.isEmpty && nacks.isEmpty }

    /// Notes a delivery. The broker numbers them without a gap.
    mutating func delivered(_ tag: UInt64) throws(SessionError) {
        guard tag == first + UInt64(marks.count) else { throw .protocolViolation("delivery \(tag) is out of order") }
        marks.append(.outstanding)
    }

    /// Notes a settlement to be told; false if the delivery has been settled before.
    mutating func settle(_ tag: UInt64, with settlement: Settlement) -> Bool {
        guard tag >= first, tag < first + UInt64(marks.count), marks[Int(tag - first)] == .outstanding else { return false }
        switch settlement {
        case .ack:
            marks[Int(tag - first)] = .acked
            acks.append(tag)
        case .requeue, .reject:
            marks[Int(tag - first)] = .reported
            nacks.append(.nack(tag, requeue: settlement == .requeue))
        }
        return true
    }

    /// The frames that tell all settlements since the last call: a run of acks without a gap before it becomes one.
    mutating func frames() -> [Frame] {
        guard !acks.isEmpty || !nacks.isEmpty else { return [] }
        // Refusals first: an ack of all up to a number must not cover one of them.
        var frames = nacks
        var last: UInt64?
        var covered = 0
        while let mark = marks.first, mark != .outstanding {
            if mark == .acked {
                last = first
                covered += 1
            }
            marks.removeFirst()
            first += 1
        }
        if let last { frames.append(.ack(last, multiple: covered > 1)) }
        for tag in acks where tag >= first {
            marks[Int(tag - first)] = .reported
            frames.append(.ack(tag, multiple: false))
        }
        acks.removeAll(keepingCapacity: true)
        nacks.removeAll(keepingCapacity: true)
        return frames
    }
}
