internal import CRabbitMQ
private import DequeModule
private import Glibc

extension Session {
    /// Writes the queued work: first the settlements, which free the broker's window, then the messages.
    ///
    /// The socket is corked meanwhile, so that hundreds of small frames leave in a few packets. The write never waits for a full
    /// socket; what does not fit stays queued.
    func write() throws(SessionError) {
        isFull = false
        writeAllowance = 0
        for subscription in subscriptions {
            for frame in subscription.unsettled.frames() { settlements.append((subscription.channel.number, frame)) }
        }
        let canPublish = blockedReason == nil && publishingChannels.contains(where: \.hasWork)
        guard canPublish || !settlements.isEmpty else { return }
        // A single settlement is one small frame, and corking it would cost two system calls for nothing. A message has at least three
        // frames, and the library leaves the last frame of some sizes corked; only uncorking sends that frame.
        let isCorked = canPublish || settlements.count > 1
        if isCorked { setCork(on: true) }
        defer { if isCorked { setCork(on: false) } }
        while let (channel, frame) = settlements.first, try canWrite() {
            settlements.removeFirst()
            try write(frame, on: channel)
        }
        for publishing in publishingChannels {
            while blockedReason == nil, publishing.hasWork, try canWrite() {
                // `canWrite()` also reads. The broker may have blocked the connection or closed the channel meanwhile.
                guard blockedReason == nil, publishing.isOpen, let publish = publishing.backlog.popFirst() else { break }
                try write(publish, on: publishing)
            }
        }
    }

    /// Whether every settlement that callers have given is on the wire.
    var areSettlementsWritten: Bool { settlements.isEmpty && subscriptions.allSatisfy(\.unsettled.isFlushed) }

    /// Reads what has arrived, and returns whether the socket takes more.
    ///
    /// librabbitmq before 0.14 can hang in a write when nothing was read for long (rabbitmq-c issue 780), and every version waits in a
    /// write to a full socket. A writable socket takes several small frames. So the session polls it once per `bytesPerPoll` and not
    /// before each frame.
    private func canWrite() throws(SessionError) -> Bool {
        guard writeAllowance <= 0 else { return true }
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN | POLLOUT), revents: 0)
        guard poll(&watched, 1, 0) > 0 else {
            isFull = true
            return false
        }
        if watched.revents & ~Int16(POLLOUT) != 0 { try read() }
        isFull = watched.revents & Int16(POLLOUT) == 0
        writeAllowance = isFull ? 0 : Self.bytesPerPoll
        return !isFull
    }

    /// In bytes. Linux calls a socket writable while a third of its buffer is free, and a buffer has at least 16 KiB by default.
    private static let bytesPerPoll = 4096

    /// Sends all frames that `body` writes in a few packets, within the time limit of a request.
    func writeTogether(_ body: () throws(SessionError) -> Void) throws(SessionError) {
        watchdog.arm(for: configuration.rpcTimeout)
        setCork(on: true)
        defer {
            setCork(on: false)
            watchdog.disarm()
        }
        try body()
    }

    private func setCork(on isOn: Bool) {
        var value: Int32 = isOn ? 1 : 0
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private func write(_ frame: Unsettled.Frame, on channel: UInt16) throws(SessionError) {
        // The channel was closed meanwhile, so its settlements come too late.
        guard let open = self.channel(channel), open.isOpen else { return mailbox.countLate() }
        // More than the frame of a settlement needs.
        writeAllowance -= 32
        switch frame {
        case .ack(let tag, let multiple): try check(amqp_basic_ack(handle, channel, tag, multiple ? 1 : 0))
        case .nack(let tag, let requeue): try check(amqp_basic_nack(handle, channel, tag, 0, requeue ? 1 : 0))
        }
    }

    private func write(_ publish: Publish, on publishing: PublishingChannel) throws(SessionError) {
        defer { arena.recycle() }
        var properties = arena.properties(publish.message.properties)
        // The body, and about as much as the frames before it need.
        writeAllowance -= publish.message.body.count + 512
        // Before the first byte: from here on the message may have left, whatever happens.
        publishing.confirms.append(publish, at: .now)
        let (exchange, routingKey) = (arena.bytes(publish.exchange), arena.bytes(publish.routingKey))
        let mandatory: amqp_boolean_t = publish.mandatory ? 1 : 0
        let status = publish.message.body.withUnsafeBytes { body in
            let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
            if body.count <= longestPayload {
                return amqp_basic_publish(handle, publishing.channel.number, exchange, routingKey, mandatory, 0, &properties, bytes)
            }
            var method = amqp_basic_publish_t(ticket: 0, exchange: exchange, routing_key: routingKey, mandatory: mandatory, immediate: 0)
            return bos_amqp_basic_publish_in_frames(handle, publishing.channel.number, &method, &properties, bytes, longestPayload)
        }
        try check(status)
    }

    /// Queues the work of callers. Nothing is written yet.
    func take(_ work: Mailbox.Work) {
        for (number, tag, settlement) in work.settlements {
            let isKnown = channel(number)?.isOpen == true && channel(number)?.subscription?.unsettled.settle(tag, with: settlement) == true
            if !isKnown { mailbox.countLate() }
        }
        for publish in work.publishes { take(publish) }
        for request in work.requests {
            if request.kind == .topologyInspection { inspections.append(request) } else { requests.append(request) }
        }
    }

    // MARK: Methods

    /// Writes a method frame that has no reply.
    func send<Method>(_ method: Method, id: amqp_method_number_t, on channel: UInt16) throws(SessionError) {
        var method = method
        let status = withUnsafeMutablePointer(to: &method) { amqp_send_method(handle, channel, id, $0) }
        try check(status)
    }

    /// Writes a method frame. `finish` gets the result, on the connection's thread.
    ///
    /// - Parameters:
    ///   - expected: the method of the reply.
    ///   - operation: what the broker has not answered, for the error after the time limit.
    func call<Method>(
        _ method: Method, id: amqp_method_number_t, on channel: Channel, expecting expected: amqp_method_number_t, operation: String,
        finish: @escaping (Channel.CallResult) -> Void
    ) throws(SessionError) {
        defer { arena.recycle() }
        try send(method, id: id, on: channel.number)
        let deadline = ContinuousClock.now + configuration.rpcTimeout
        channel.calls.append(Channel.Call(operation: operation, expected: expected, deadline: deadline, finish: finish))
    }

    func open(_ channel: Channel, finish: @escaping (Channel.CallResult) -> Void) throws(SessionError) {
        try call(
            amqp_channel_open_t(), id: AMQP_CHANNEL_OPEN_METHOD, on: channel, expecting: AMQP_CHANNEL_OPEN_OK_METHOD,
            operation: "opening channel \(channel.number)", finish: finish)
    }

    func close(_ channel: Channel, finish: @escaping (Channel.CallResult) -> Void) throws(SessionError) {
        let method = amqp_channel_close_t(
            reply_code: UInt16(AMQP_REPLY_SUCCESS), reply_text: arena.bytes("closed"), class_id: 0, method_id: 0)
        try call(
            method, id: AMQP_CHANNEL_CLOSE_METHOD, on: channel, expecting: AMQP_CHANNEL_CLOSE_OK_METHOD,
            operation: "closing channel \(channel.number)",
            finish: finish)
    }

    /// Sends connection.close. The session ends when it reads the broker's reply.
    func sendConnectionClose() throws(SessionError) {
        defer { arena.recycle() }
        let method = amqp_connection_close_t(
            reply_code: UInt16(AMQP_REPLY_SUCCESS), reply_text: arena.bytes("closed"), class_id: 0, method_id: 0)
        try send(method, id: AMQP_CONNECTION_CLOSE_METHOD, on: 0)
    }
}
