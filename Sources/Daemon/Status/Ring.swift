/// The last values of a series. It holds a fixed number, and drops the oldest for a new one.
struct Ring<Element: Sendable>: Sendable {
    let capacity: Int
    private var kept: [Element] = []
    /// Where the next value goes once the ring is full; the oldest value stands there.
    private var next = 0

    /// - Precondition: the capacity is more than zero.
    init(capacity: Int) {
        precondition(capacity > 0, "a ring holds at least one value")
        self.capacity = capacity
        kept.reserveCapacity(capacity)
    }

    mutating func append(_ element: Element) {
        if kept.count < capacity {
            kept.append(element)
        } else {
            kept[next] = element
            next = (next + 1) % capacity
        }
    }

    /// The values, the oldest first.
    var elements: [Element] { Array(kept[next...] + kept[..<next]) }
}
