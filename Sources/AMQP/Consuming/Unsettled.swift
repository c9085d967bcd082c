internal import DequeModule

/// The unsettled deliveries of one channel. It reports settlements to the broker in as few frames as possible.
struct Unsettled {
    /// A frame to be written.
    enum Frame: Equatable {
        case ack(UInt64, multiple: Bool)
        case nack(UInt64, requeue: Bool)
    }

    private enum Mark {
        case outstanding
        case acked
        case reported
    }

    /// Delivery tags count from 1 on each channel. `marks[0]` belongs to the delivery `first`.
    private var marks: Deque<Mark> = []
    private var first: UInt64 = 1
    private var acks: [UInt64] = []
    private var nacks: [Frame] = []

    /// Whether the channel has had a delivery.
    var hasBegun: Bool { first > 1 || !marks.isEmpty }

    /// Whether no delivery is unsettled or unreported.
    var isEmpty: Bool { marks.isEmpty }

    /// Whether `frames()` has returned every settlement.
    var isFlushed: Bool { acks.isEmpty && nacks.isEmpty }

    /// Records a delivery. The broker numbers deliveries without gaps.
    ///
    /// - Throws: `SessionError.protocolViolation` when the number is not the next one.
    mutating func delivered(_ tag: UInt64) throws(SessionError) {
        guard tag == first + UInt64(marks.count) else { throw .protocolViolation("delivery \(tag) is out of order") }
        marks.append(.outstanding)
    }

    /// Records a settlement. Returns `false` if the delivery has been settled before or never existed.
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

    /// The frames for all settlements since the last call. Acks that leave no gap before them become one frame.
    mutating func frames() -> [Frame] {
        guard !acks.isEmpty || !nacks.isEmpty else { return [] }
        // Refusals first: an ack of all deliveries up to a number must not cover a refused one.
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
