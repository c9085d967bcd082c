internal import CRabbitMQ
private import DequeModule
private import Glibc

extension Session {
    /// Writes what has gathered: settlements first, for they free the broker's window; then messages.
    ///
    /// The socket is corked meanwhile, so that hundreds of small frames leave in a few packets. Never waits for a full socket: what does not fit stays here.
    func write() throws(SessionError) {
        isFull = false
        writeAllowance = 0
        for subscription in subscriptions {
            for frame in subscription.unsettled.frames() { settlements.append((subscription.channel.number, frame)) }
        }
        let canPublish = blockedReason == nil && publishingChannels.contains(where: \.hasWork)
        guard canPublish || !settlements.isEmpty else { return }
        // A single settlement is one small frame: corking it would cost two calls for nothing. A message has at least three, and the library leaves the last
        // frame of some sizes corked, which only uncorking sends.
        let isCorked = canPublish || settlements.count > 1
        if isCorked { setCork(on: true) }
        defer { if isCorked { setCork(on: false) } }
        while let (channel, frame) = settlements.first, try canWrite() {
            settlements.removeFirst()
            try write(frame, on: channel)
        }
        for publishing in publishingChannels {
            while blockedReason == nil, publishing.hasWork, try canWrite() {
                // Reading may have brought word that the broker has blocked the connection, or closed the channel.
                guard blockedReason == nil, publishing.isOpen, let publish = publishing.backlog.popFirst() else { break }
                try write(publish, on: publishing)
            }
        }
    }

    /// Whether every settlement that was given is on the wire.
    var areSettlementsWritten: Bool { settlements.isEmpty && subscriptions.allSatisfy(\.unsettled.isFlushed) }

    /// Reads what has come in meanwhile, and tells whether the socket takes more.
    ///
    /// librabbitmq before 0.14 can hang in a write when nothing was read for long (rabbitmq-c issue 780), and any version waits in a write to a full socket.
    /// A socket that takes anything takes a few small frames: it is asked again after so many bytes, not before each.
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

    /// In bytes. Linux calls a socket writable while a third of its buffer is free, and a buffer has at least 16 KiB unless somebody made it smaller.
    private static let bytesPerPoll = 4096

    /// Lets all frames that `body` writes leave in few packets, and within the time limit of a request.
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
        // The channel was closed since: its settlements are late.
        guard let open = self.channel(channel), open.isOpen else { return mailbox.countLate() }
        // More than the frame of a settlement takes.
        writeAllowance -= 32
        switch frame {
        case .ack(let tag, let multiple): try check(amqp_basic_ack(handle, channel, tag, multiple ? 1 : 0))
        case .nack(let tag, let requeue): try check(amqp_basic_nack(handle, channel, tag, 0, requeue ? 1 : 0))
        }
    }

    private func write(_ publish: Publish, on publishing: PublishingChannel) throws(SessionError) {
        defer { arena.recycle() }
        var properties = arena.properties(publish.message.properties)
        // The body, and about what the frames before it take.
        writeAllowance -= publish.message.body.count + 512
        // Before the first byte: whatever happens from here on, the message may have left.
        publishing.confirms.append(publish, at: .now)
        let status = publish.message.body.withUnsafeBytes { body in
            amqp_basic_publish(
                handle, publishing.channel.number, arena.bytes(publish.exchange), arena.bytes(publish.routingKey),
                publish.mandatory ? 1 : 0, 0,
                &properties,
                amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
        }
        try check(status)
    }

    /// Takes the callers' work; nothing is written yet.
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

    /// Writes a method frame.
    func send<Method>(_ method: Method, id: amqp_method_number_t, on channel: UInt16) throws(SessionError) {
        var method = method
        let status = withUnsafeMutablePointer(to: &method) { amqp_send_method(handle, channel, id, $0) }
        try check(status)
    }

    /// Writes a method frame that the broker answers; `finish` is called on the thread with the answer.
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

    /// Says goodbye. The broker's answer ends the session when it is read.
    func sendConnectionClose() throws(SessionError) {
        defer { arena.recycle() }
        let method = amqp_connection_close_t(
            reply_code: UInt16(AMQP_REPLY_SUCCESS), reply_text: arena.bytes("closed"), class_id: 0, method_id: 0)
        try send(method, id: AMQP_CONNECTION_CLOSE_METHOD, on: 0)
    }
}
