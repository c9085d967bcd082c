internal import CRabbitMQ

extension Session {
    /// The most frames that one turn reads. The next turn, which follows without a sleep, reads the rest.
    private static let framesPerTurn = 2048

    /// Reads the frames that have arrived and serves the heartbeats. Never waits.
    func read() throws(SessionError) {
        var frame = amqp_frame_t()
        var noTime = timeval()
        isDrained = false
        for _ in 0..<Self.framesPerTurn {
            let status = amqp_simple_wait_frame_noblock(handle, &frame, &noTime)
            if status == AMQP_STATUS_TIMEOUT.rawValue {
                isDrained = true
                return
            }
            try check(status)
            try take(frame)
            // Everything was copied out. Releasing per frame keeps the memory at one frame, however large a body is.
            amqp_maybe_release_buffers_on_channel(handle, frame.channel)
        }
    }

    private func take(_ frame: amqp_frame_t) throws(SessionError) {
        guard frame.channel != 0 else {
            guard Int32(frame.frame_type) == AMQP_FRAME_METHOD else { throw .protocolViolation("content on channel 0") }
            return try takeConnectionMethod(frame.payload.method)
        }
        guard let channel = channel(frame.channel) else {
            throw .protocolViolation("a frame on channel \(frame.channel), which was never opened")
        }
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD:
            try take(frame.payload.method, on: channel)
        case AMQP_FRAME_HEADER:
            let header = frame.payload.properties
            guard channel.content != nil else { throw .protocolViolation("a header frame without a method") }
            try channel.content?.takeHeader(
                classID: header.class_id, bodySize: header.body_size, properties: header.decoded, propertiesSize: header.raw.len,
                configuration: configuration, budget: budget)
            try completeContent(on: channel)
        case AMQP_FRAME_BODY:
            guard channel.content != nil else { throw .protocolViolation("a body frame without a header") }
            try channel.content?.takeBody(frame.payload.body_fragment)
            try completeContent(on: channel)
        default: throw .protocolViolation("a frame of type \(frame.frame_type)")
        }
    }

    private func completeContent(on channel: Channel) throws(SessionError) {
        guard let content = channel.content, content.isComplete else { return }
        channel.content = nil
        switch content.origin {
        case .delivery(let tag, let isRedelivered):
            try channel.subscription?.take(content, tag: tag, isRedelivered: isRedelivered, from: self)
        case .returned(let code, let text):
            publishingChannel(on: channel)?.confirms.returned(
                content.message, size: content.announcedSize, exchange: content.exchange, routingKey: content.routingKey,
                error: .returned(code: code, text: text))
        }
    }

    private func takeConnectionMethod(_ method: amqp_method_t) throws(SessionError) {
        switch method.id {
        case AMQP_CONNECTION_CLOSE_METHOD:
            let close: amqp_connection_close_t = try decoded(method)
            let error = SessionError.closedByBroker(code: close.reply_code, text: String(close.reply_text))
            takeClose(code: close.reply_code, text: String(close.reply_text))
            try? send(amqp_connection_close_ok_t(), id: AMQP_CONNECTION_CLOSE_OK_METHOD, on: 0)
            throw error
        case AMQP_CONNECTION_CLOSE_OK_METHOD:
            throw .noSession(reason: "the connection has been closed")
        case AMQP_CONNECTION_BLOCKED_METHOD:
            let blocked: amqp_connection_blocked_t = try decoded(method)
            let reason = String(blocked.reason)
            blockedReason = reason
            report(.blocked(reason: reason))
        case AMQP_CONNECTION_UNBLOCKED_METHOD:
            blockedReason = nil
            // The broker reads the outstanding calls only now.
            for channel in channels { channel.renewDeadlines(.now + configuration.rpcTimeout) }
            unblockedAt = .now
            report(.unblocked)
        default: throw .protocolViolation("method \(method.id) on channel 0")
        }
    }

    private func take(_ method: amqp_method_t, on channel: Channel) throws(SessionError) {
        guard channel.content == nil || method.id == AMQP_CHANNEL_CLOSE_METHOD else {
            throw .protocolViolation("method \(method.id) within a message")
        }
        switch method.id {
        case AMQP_BASIC_DELIVER_METHOD:
            guard channel.subscription != nil else {
                throw .protocolViolation("a delivery on channel \(channel.number), which has no consumer")
            }
            let deliver: amqp_basic_deliver_t = try decoded(method)
            channel.content = Content(
                origin: .delivery(tag: deliver.delivery_tag, isRedelivered: deliver.redelivered != 0), exchange: deliver.exchange,
                routingKey: deliver.routing_key)
        case AMQP_BASIC_ACK_METHOD where publishingChannel(on: channel) != nil:
            let ack: amqp_basic_ack_t = try decoded(method)
            try publishingChannel(on: channel)?.confirms.answer(ack.delivery_tag, multiple: ack.multiple != 0, with: nil)
        case AMQP_BASIC_NACK_METHOD where publishingChannel(on: channel) != nil:
            let nack: amqp_basic_nack_t = try decoded(method)
            try publishingChannel(on: channel)?.confirms.answer(nack.delivery_tag, multiple: nack.multiple != 0, with: .refused)
        case AMQP_BASIC_RETURN_METHOD where publishingChannel(on: channel) != nil:
            let returned: amqp_basic_return_t = try decoded(method)
            channel.content = Content(
                origin: .returned(code: returned.reply_code, text: String(returned.reply_text)), exchange: returned.exchange,
                routingKey: returned.routing_key)
        case AMQP_BASIC_CANCEL_METHOD:
            channel.subscription?.cancelledByBroker(session: self)
        case AMQP_CHANNEL_CLOSE_METHOD:
            let close: amqp_channel_close_t = try decoded(method)
            try takeClose(of: channel, code: close.reply_code, text: String(close.reply_text))
        default: try takeReply(method, on: channel)
        }
    }

    private func takeClose(of channel: Channel, code: UInt16, text: String) throws(SessionError) {
        try send(amqp_channel_close_ok_t(), id: AMQP_CHANNEL_CLOSE_OK_METHOD, on: channel.number)
        if let publishing = publishingChannel(on: channel) { try takeClose(of: publishing, code: code, text: text) }
        let subscription = channel.subscription
        channel.finish(.closed(code: code, text: text))
        subscription?.closedByBroker(reason: "\(code) \(text)", session: self)
    }

    private func takeReply(_ method: amqp_method_t, on channel: Channel) throws(SessionError) {
        guard let call = channel.calls.first, call.expected == method.id else {
            throw .protocolViolation("method \(method.id) on channel \(channel.number), which answers no call")
        }
        var reply = BrokerReply.done
        if method.id == AMQP_QUEUE_DECLARE_OK_METHOD {
            let declared: amqp_queue_declare_ok_t = try decoded(method)
            reply = .queue(messages: declared.message_count, consumers: declared.consumer_count)
        }
        channel.calls.removeFirst()
        if method.id == AMQP_CHANNEL_OPEN_OK_METHOD { channel.isOpen = true }
        if method.id == AMQP_CHANNEL_CLOSE_OK_METHOD { channel.isOpen = false }
        call.finish(.reply(reply))
    }

    private func decoded<T>(_ method: amqp_method_t, as type: T.Type = T.self) throws(SessionError) -> T {
        guard let decoded = method.decoded else { throw .protocolViolation("method \(method.id) without fields") }
        return decoded.assumingMemoryBound(to: type).pointee
    }
}
