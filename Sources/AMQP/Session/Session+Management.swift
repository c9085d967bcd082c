internal import CRabbitMQ
private import DequeModule

extension Session {
    /// Begins the next request, one at a time: an answer that closes the channel would swallow those behind it.
    func advanceRequests() throws(SessionError) {
        // The broker does not read now. Whoever asks can go on with other things, and asks again.
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

    /// Tells all who wait for a request that there will be no answer. An answer that comes later has no effect. Only the request under way can be what the
    /// session ended over.
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
            // Never among the requests.
            case .topologyInspection: finish(.reply(.done))
            case .depth(let queue):
                let method = amqp_queue_declare_t(
                    ticket: 0, queue: arena.bytes(queue), passive: 1, durable: 0, exclusive: 0, auto_delete: 0, nowait: 0,
                    arguments: amqp_table_t())
                try call(
                    method, id: AMQP_QUEUE_DECLARE_METHOD, on: channel, expecting: AMQP_QUEUE_DECLARE_OK_METHOD,
                    operation: "the depth of \(queue)",
                    finish: finish)
            case .deleteQueue(let queue):
                let method = amqp_queue_delete_t(ticket: 0, queue: arena.bytes(queue), if_unused: 0, if_empty: 0, nowait: 0)
                try call(
                    method, id: AMQP_QUEUE_DELETE_METHOD, on: channel, expecting: AMQP_QUEUE_DELETE_OK_METHOD,
                    operation: "deleting queue \(queue)",
                    finish: finish)
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
        case (.closed(let code, let text), _): .failure(.closedByBroker(code: code, text: text))
        }
    }

    /// Does something in answer to the broker, where an error cannot be thrown on: it ends the session.
    func attempt(_ body: () throws(SessionError) -> Void) {
        do { try body() } catch { end(error) }
    }
}
