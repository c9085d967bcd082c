internal import CRabbitMQ
private import DequeModule

extension Session {
    /// Starts the next request. Only one runs at a time, because a reply that closes the channel would discard those behind it.
    func advanceRequests() throws(SessionError) {
        // The broker does not read now. The caller gets an error instead of a wait, and can ask again.
        if let blockedReason { return failRequests(.noSession(reason: "the broker has blocked the connection: \(blockedReason)")) }
        guard !isRequestRunning, let request = requests.first, let channel = channel(Fixed.management) else { return }
        isRequestRunning = true
        guard channel.isOpen else {
            return try open(channel) { [unowned self] outcome in
                isRequestRunning = false
                if case .reply = outcome { attempt { () throws(SessionError) in try advanceRequests() } }
            }
        }
        requests.removeFirst()
        try run(request, on: channel)
    }

    /// Fails all management requests. A reply that comes later has no effect.
    ///
    /// Only the running request can be the reason why the session ended. The waiting ones get `noSession`.
    func failRequests(_ error: SessionError) {
        runningRequest.take()?.finish(.failure(error))
        var unasked = error
        if case .noSession = error {} else { unasked = .noSession(reason: error.description) }
        while let request = requests.popFirst() { request.finish(.failure(unasked)) }
        for inspection in inspections { inspection.finish(.failure(error)) }
        inspections = []
    }

    private func run(_ request: ManagementRequest, on channel: Channel) throws(SessionError) {
        runningRequest = request
        let finish: (Channel.CallResult) -> Void = { [unowned self] outcome in
            isRequestRunning = false
            runningRequest.take()?.finish(Self.result(of: outcome, for: request.kind))
        }
        do {
            switch request.kind {
            // `take(_:)` puts these into `inspections`, so they never get here.
            case .topologyInspection: finish(.reply(.done))
            case .depth(let queue):
                let method = amqp_queue_declare_t(
                    ticket: 0, queue: arena.bytes(queue), passive: 1, durable: 0, exclusive: 0, auto_delete: 0, nowait: 0,
                    arguments: amqp_table_t())
                try call(
                    method, id: AMQP_QUEUE_DECLARE_METHOD, on: channel, expecting: AMQP_QUEUE_DECLARE_OK_METHOD,
                    operation: "the depth of \(queue)",
                    finish: finish)
            case .declare(let item, let mode): try declare(item, mode: mode, on: Fixed.management, finish: finish)
            case .deleteQueue(let queue):
                let method = amqp_queue_delete_t(ticket: 0, queue: arena.bytes(queue), if_unused: 0, if_empty: 0, nowait: 0)
                try call(
                    method, id: AMQP_QUEUE_DELETE_METHOD, on: channel, expecting: AMQP_QUEUE_DELETE_OK_METHOD,
                    operation: "deleting queue \(queue)",
                    finish: finish)
            case .unbindExchange(let exchange, let source, let key):
                let method = amqp_exchange_unbind_t(
                    ticket: 0, destination: arena.bytes(exchange), source: arena.bytes(source), routing_key: arena.bytes(key), nowait: 0,
                    arguments: amqp_table_t())
                try call(
                    method, id: AMQP_EXCHANGE_UNBIND_METHOD, on: channel, expecting: AMQP_EXCHANGE_UNBIND_OK_METHOD,
                    operation: "the rights on exchange \(exchange)", finish: finish)
            case .deleteExchange(let exchange):
                let method = amqp_exchange_delete_t(ticket: 0, exchange: arena.bytes(exchange), if_unused: 0, nowait: 0)
                try call(
                    method, id: AMQP_EXCHANGE_DELETE_METHOD, on: channel, expecting: AMQP_EXCHANGE_DELETE_OK_METHOD,
                    operation: "deleting exchange \(exchange)",
                    finish: finish)
            }
        } catch {
            runningRequest.take()?.finish(.failure(error))
            throw error
        }
    }

    private static func result(of outcome: Channel.CallResult, for kind: ManagementRequest.Kind) -> Result<BrokerReply, SessionError> {
        switch (outcome, kind) {
        case (.reply(let reply), _): .success(reply)
        case (.lost(let error), _): .failure(error)
        case (.closed(let code, _), .depth(let queue)) where Int32(code) == AMQP_NOT_FOUND: .failure(.noSuchQueue(name: queue))
        case (.closed(let code, let text), .declare(let item, _)): .failure(refusal(of: item, code: code, text: text))
        case (.closed(let code, let text), _): .failure(.closedByBroker(code: code, text: text))
        }
    }

    /// Runs `body` in a callback that cannot throw. An error ends the session.
    func attempt(_ body: () throws(SessionError) -> Void) {
        do { try body() } catch { end(error) }
    }
}
