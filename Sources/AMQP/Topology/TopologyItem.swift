/// An object that must exist on the broker before a session is ready. Items are declared in the order given.
package enum TopologyItem: Sendable, Equatable {
    case exchange(name: String, kind: String, durable: Bool = true, arguments: [String: FieldValue] = [:])
    case queue(name: String, durable: Bool = true, arguments: [String: FieldValue] = [:])
    case binding(queue: String, exchange: String, routingKey: String)
    /// A queue that belongs to this connection alone and vanishes with it: a lock among all clients of the virtual host. It is declared in
    /// mode `check` too.
    case exclusiveQueue(name: String)
    /// A queue that carries no messages and stores `text` on the broker until it is deleted. The broker refuses every program that
    /// declares it with another text. It is declared in mode `check` too.
    ///
    /// `arguments` must name an `x-dead-letter-exchange`. `mustExist`: another program declares the queue; if it is missing, this one
    /// is refused.
    case marker(queue: String, text: String, arguments: [String: FieldValue], mustExist: Bool = false)

    /// Whether a connection must not work without the item.
    var isRequired: Bool {
        switch self {
        case .exclusiveQueue, .marker: true
        case .exchange, .queue, .binding: false
        }
    }

    /// The item by its name alone, for a check whether it exists; `nil` for a binding, which cannot be checked.
    var lookupForm: TopologyItem? {
        switch self {
        case .exchange(let name, let kind, _, _): .exchange(name: name, kind: kind)
        case .queue(let name, _, _), .exclusiveQueue(let name), .marker(let name, _, _, _): .queue(name: name)
        case .binding: nil
        }
    }

    /// What was lost when the item was removed, in messages for people.
    var loss: String {
        switch self {
        case .exchange: "the bindings of other programs to it are lost"
        case .queue: "its messages, and the bindings of other programs, are lost"
        case .binding, .exclusiveQueue, .marker: "nothing was lost with it"
        }
    }

    /// The item's name in errors and logs.
    package var label: String {
        switch self {
        case .exchange(let name, _, _, _): "exchange \(name)"
        case .queue(let name, _, _): "queue \(name)"
        case .binding(let queue, let exchange, let key): "binding of queue \(queue) to exchange \(exchange) with \(key)"
        case .exclusiveQueue(let name): "exclusive queue \(name)"
        case .marker(let queue, _, _, _): "marker queue \(queue)"
        }
    }
}

/// The topology of a connection, and what the connection does about it. An array literal has the mode `declare`.
package struct TopologyPlan: Sendable, ExpressibleByArrayLiteral {
    /// In the order in which they are declared.
    package var items: [TopologyItem]
    package var mode: TopologyMode

    /// - Parameters:
    ///   - items: in the order in which they are declared.
    ///   - mode: whether to declare them, or only to check that they exist.
    package init(_ items: [TopologyItem] = [], mode: TopologyMode = .declare) {
        self.items = items
        self.mode = mode
    }

    package init(arrayLiteral elements: TopologyItem...) { self.init(elements) }
}

/// What a connection does about its topology.
package enum TopologyMode: Sendable {
    /// The connection declares everything. An object that exists already must have the same arguments.
    case declare
    /// The connection only checks that exchanges and queues exist. AMQP does not show arguments and bindings.
    case check
}
