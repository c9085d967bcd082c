/// Something the broker must have before a session is of use. Items are declared in the order given.
package enum TopologyItem: Sendable, Equatable {
    case exchange(name: String, kind: String, durable: Bool = true, arguments: [String: FieldValue] = [:])
    case queue(name: String, durable: Bool = true, arguments: [String: FieldValue] = [:])
    case binding(queue: String, exchange: String, routingKey: String)
    /// A queue that only this connection may have, gone with it: a lock among all clients of the virtual host. Declared even where the rest is only checked.
    case exclusiveQueue(name: String)
    /// A queue that carries no messages: it keeps `text` on the broker until somebody deletes it, and whoever declares it with another text is
    /// refused. `arguments` must name an `x-dead-letter-exchange`. Declared even where the rest is only checked.
    ///
    /// `isOthers`: another program makes it; here it must exist already.
    case marker(queue: String, text: String, arguments: [String: FieldValue], isOthers: Bool = false)

    /// Whether a connection that cannot have it must not go on.
    var isClaim: Bool {
        switch self {
        case .exclusiveQueue, .marker: true
        case .exchange, .queue, .binding: false
        }
    }

    /// The item as it is looked for: by its name only.
    var trace: TopologyItem? {
        switch self {
        case .exchange(let name, let kind, _, _): .exchange(name: name, kind: kind)
        case .queue(let name, _, _), .exclusiveQueue(let name), .marker(let name, _, _, _): .queue(name: name)
        case .binding: nil
        }
    }

    /// What was lost with it, in messages for people.
    var loss: String {
        switch self {
        case .exchange: "bindings of others to it are lost"
        case .queue: "messages that lay in it, and bindings of others, are lost"
        case .binding, .exclusiveQueue, .marker: "nothing was lost with it"
        }
    }

    /// What the item is, in messages for people.
    var label: String {
        switch self {
        case .exchange(let name, _, _, _): "exchange \(name)"
        case .queue(let name, _, _): "queue \(name)"
        case .binding(let queue, let exchange, let key): "binding of queue \(queue) to exchange \(exchange) with \(key)"
        case .exclusiveQueue(let name): "exclusive queue \(name)"
        case .marker(let queue, _, _, _): "marker queue \(queue)"
        }
    }
}

/// What a connection does about its topology.
package enum TopologyMode: Sendable {
    /// Declares everything; what is there already must have the same arguments.
    case declare
    /// Only checks that exchanges and queues are there. Arguments and bindings cannot be seen over AMQP.
    case check
}
