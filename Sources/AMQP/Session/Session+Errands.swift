internal import CRabbitMQ
private import DequeModule

extension Session {
    /// Begins the next errand, one at a time: an answer that closes the channel would swallow those behind it.
    func advanceErrands() throws(SessionError) {
        // The broker does not read now. Whoever asks can go on with other things, and asks again.
        if let blockedReason { return giveUpErrands(.noSession(reason: "the broker has blocked the connection: \(blockedReason)")) }
        guard !isRunningErrand, let errand = errands.first, let channel = channel(Fixed.errands) else { return }
        isRunningErrand = true
        guard channel.isOpen else {
            return try open(channel) { [unowned self] outcome in
                isRunningErrand = false
                if case .reply = outcome { attempt { () throws(SessionError) in try advanceErrands() } }
            }
        }
        errands.removeFirst()
        try run(errand, on: channel)
    }

    /// Tells all who wait for an errand that there will be no answer. An answer that comes later has no effect. Only the errand under way can be what the
    /// session ended over.
    func giveUpErrands(_ error: SessionError) {
        runningErrand.take()?.finish(.failure(error))
        var unasked = error
        if case .noSession = error {} else { unasked = .noSession(reason: error.description) }
        while let errand = errands.popFirst() { errand.finish(.failure(unasked)) }
        for inspection in inspections { inspection.finish(.failure(error)) }
        inspections = []
    }

    private func run(_ errand: Errand, on channel: Channel) throws(SessionError) {
        runningErrand = errand
        let finish: (Channel.Outcome) -> Void = { [unowned self] outcome in
            isRunningErrand = false
            runningErrand.take()?.finish(Self.result(of: outcome, for: errand.kind))
        }
        do {
            switch errand.kind {
            // Never among the errands.
            case .inspection: finish(.reply(.done))
            case .depth(let queue):
                let method = amqp_queue_declare_t(
                    ticket: 0, queue: arena.bytes(queue), passive: 1, durable: 0, exclusive: 0, auto_delete: 0, nowait: 0,
                    arguments: amqp_table_t())
                try ask(
                    method, AMQP_QUEUE_DECLARE_METHOD, on: channel, expecting: AMQP_QUEUE_DECLARE_OK_METHOD,
                    operation: "the depth of \(queue)",
                    finish: finish)
            case .deleteQueue(let queue):
                let method = amqp_queue_delete_t(ticket: 0, queue: arena.bytes(queue), if_unused: 0, if_empty: 0, nowait: 0)
                try ask(
                    method, AMQP_QUEUE_DELETE_METHOD, on: channel, expecting: AMQP_QUEUE_DELETE_OK_METHOD,
                    operation: "deleting queue \(queue)",
                    finish: finish)
            case .deleteExchange(let exchange):
                let method = amqp_exchange_delete_t(ticket: 0, exchange: arena.bytes(exchange), if_unused: 0, nowait: 0)
                try ask(
                    method, AMQP_EXCHANGE_DELETE_METHOD, on: channel, expecting: AMQP_EXCHANGE_DELETE_OK_METHOD,
                    operation: "deleting exchange \(exchange)",
                    finish: finish)
            }
        } catch {
            runningErrand.take()?.finish(.failure(error))
            throw error
        }
    }

    private static func result(of outcome: Channel.Outcome, for kind: Errand.Kind) -> Result<Reply, SessionError> {
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
