internal import CRabbitMQ

extension Session {
    /// Asks the broker to declare or check one item.
    ///
    /// - Parameter finish: gets the result. With `nil` the broker sends no reply; it closes the channel over a refusal all the same.
    func declare(_ item: TopologyItem, mode: TopologyMode, finish: ((Channel.CallResult) -> Void)?) throws(SessionError) {
        guard let channel = channel(Fixed.topology) else { return finish?(.reply(.done)) ?? () }
        let passive: amqp_boolean_t = mode == .check ? 1 : 0
        let nowait: amqp_boolean_t = finish == nil ? 1 : 0
        switch item {
        case .exchange(let name, let kind, let durable, let arguments):
            let method = amqp_exchange_declare_t(
                ticket: 0, exchange: arena.bytes(name), type: arena.bytes(kind), passive: passive, durable: durable ? 1 : 0, auto_delete: 0,
                internal: 0, nowait: nowait, arguments: arena.table(arguments))
            try send(
                method, id: AMQP_EXCHANGE_DECLARE_METHOD, for: item, on: channel, expecting: AMQP_EXCHANGE_DECLARE_OK_METHOD, finish: finish
            )
        case .queue(let name, let durable, let arguments):
            let method = amqp_queue_declare_t(
                ticket: 0, queue: arena.bytes(name), passive: passive, durable: durable ? 1 : 0, exclusive: 0, auto_delete: 0,
                nowait: nowait, arguments: arena.table(arguments))
            try declareQueue(method, for: item, on: channel, finish: finish)
        case .binding where mode == .check:
            finish?(.reply(.done))
        case .binding(let queue, let exchange, let routingKey):
            let method = amqp_queue_bind_t(
                ticket: 0, queue: arena.bytes(queue), exchange: arena.bytes(exchange), routing_key: arena.bytes(routingKey),
                nowait: nowait, arguments: amqp_table_t())
            try send(method, id: AMQP_QUEUE_BIND_METHOD, for: item, on: channel, expecting: AMQP_QUEUE_BIND_OK_METHOD, finish: finish)
        case .exclusiveQueue(let name):
            let method = amqp_queue_declare_t(
                ticket: 0, queue: arena.bytes(name), passive: 0, durable: 0, exclusive: 1, auto_delete: 1, nowait: nowait,
                arguments: amqp_table_t())
            try declareQueue(method, for: item, on: channel, finish: finish)
        case .marker(let name, let text, let arguments, _):
            let marked = arguments.merging([Self.markerArgument: .string(text)]) { $1 }
            let method = amqp_queue_declare_t(
                ticket: 0, queue: arena.bytes(name), passive: 0, durable: 1, exclusive: 0, auto_delete: 0, nowait: nowait,
                arguments: arena.table(marked))
            try declareQueue(method, for: item, on: channel, finish: finish)
        }
    }

    private func declareQueue(
        _ method: amqp_queue_declare_t, for item: TopologyItem, on channel: Channel, finish: ((Channel.CallResult) -> Void)?
    ) throws(SessionError) {
        try send(method, id: AMQP_QUEUE_DECLARE_METHOD, for: item, on: channel, expecting: AMQP_QUEUE_DECLARE_OK_METHOD, finish: finish)
    }

    private func send<Method>(
        _ method: Method, id: amqp_method_number_t, for item: TopologyItem, on channel: Channel,
        expecting expected: amqp_method_number_t, finish: ((Channel.CallResult) -> Void)?
    ) throws(SessionError) {
        guard let finish else {
            defer { arena.recycle() }
            return try send(method, id: id, on: channel.number)
        }
        try call(method, id: id, on: channel, expecting: expected, operation: "the \(item.label)", finish: finish)
    }

    /// The argument that holds the text of a marker. It is the only free text that the broker compares when a queue is declared again.
    /// The broker accepts it only together with a dead-letter exchange.
    private static let markerArgument = "x-dead-letter-routing-key"

    /// The error that the broker's refusal of an item means.
    static func refusal(of item: TopologyItem, code: UInt16, text: String) -> SessionError {
        switch (Int32(code), item) {
        case (AMQP_RESOURCE_LOCKED, .exclusiveQueue(let name)): .locked(name: name)
        case (AMQP_PRECONDITION_FAILED, .marker(let queue, _, _, _)) where text.contains("inequivalent arg '\(markerArgument)'"):
            .markedOtherwise(queue: queue, text: text)
        case (AMQP_NOT_FOUND, .marker(let queue, _, _, _)): .markerMissing(queue: queue)
        // With the same code the broker also refuses an object for other reasons, such as its limit on queues.
        case (AMQP_PRECONDITION_FAILED, _) where text.contains("inequivalent arg"): .topologyMismatch(object: item.label, text: text)
        case (AMQP_NOT_FOUND, _): .topologyMissing(object: item.label)
        default: .topologyRefused(object: item.label, code: code, text: text)
        }
    }
}
