internal import CRabbitMQ
internal import DequeModule
private import Glibc

/// One login at one broker, from connect to close. It runs on its connection's thread alone. After any error it is discarded.
final class Session {
    enum Fixed {
        static let publishing: UInt16 = 1
        static let topology: UInt16 = 2
        static let management: UInt16 = 3
        static let trial: UInt16 = 4
    }

    /// The bytes of a frame around its payload: type, channel and length before it, and the end mark behind it. Source: AMQP 0-9-1, section 2.3.5.
    private static let frameOverhead = 8

    /// The objects that a session shares with its connection and with earlier sessions.
    struct Environment {
        let configuration: AMQPConfiguration
        let mailbox: Mailbox
        let budget: SizeBudget
        let quarantine: Quarantine
        /// Receives events for logs and metrics, on the connection's thread.
        let report: (ConnectionEvent) -> Void
    }

    let number: UInt64
    let url: AMQPURL
    let serverVersion: String
    /// The virtual host, and the cluster as the broker names it.
    let home: String
    /// Whether consumers may start, see ``ClusterAffinity``.
    var mayConsume = true
    let configuration: AMQPConfiguration
    let handle: amqp_connection_state_t
    let descriptor: Int32
    /// The most bytes that the broker accepts in one frame, without the frame's own bytes.
    let longestPayload: Int
    let watchdog: Watchdog
    let mailbox: Mailbox
    let budget: SizeBudget
    let quarantine: Quarantine
    let report: (ConnectionEvent) -> Void
    let arena = Arena()

    /// The channels in the order of their numbers, which start at 1.
    var channels: [Channel] = []
    var subscriptions: [Subscription] = []
    /// The channel where messages are published, and the one where each message is tried alone.
    let mainPublishing: PublishingChannel
    let trialPublishing: PublishingChannel
    var publishingChannels: [PublishingChannel] { [mainPublishing, trialPublishing] }
    /// The number of further messages to each exchange that are tried alone, because the broker has recently closed a channel over a
    /// message to that exchange.
    var trialsLeft: [String: Int] = [:]
    /// When the broker last unblocked the connection, or the session began. The time limit of a confirm starts no earlier.
    var unblockedAt = ContinuousClock.now
    var settlements: Deque<(channel: UInt16, frame: Unsettled.Frame)> = []
    var requests: Deque<ManagementRequest> = []
    /// Whether the reply to a management request is outstanding.
    var isRequestRunning = false
    /// The running request, while its caller waits for it.
    var runningRequest: ManagementRequest?
    /// Requests to inspect the topology. The connection answers them.
    var inspections: [ManagementRequest] = []
    var blockedReason: String?
    /// Whether the connection must inspect the topology before anything is consumed, because a queue or exchange may be gone.
    var needsTopology = false
    /// Whether the last read found nothing more. If not, the thread must not sleep.
    var isDrained = true
    /// Whether writing stopped because the socket is full.
    var isFull = false
    /// How many bytes may be written before the socket is polled again.
    var writeAllowance = 0
    /// Whether setup and topology are done.
    var isReady = false
    var failure: SessionError?
    /// Whether the broker answers nothing: the session has ended, or the broker has blocked the connection.
    var isUnresponsive: Bool { failure != nil || blockedReason != nil }

    /// Connects and logs in. This blocks the thread for at most twice the connect time-out, plus the time of name resolution.
    ///
    /// - Parameter name: the connection's name in the broker's list of connections.
    init(
        number: UInt64, url: AMQPURL, name: String, environment: Environment
    ) throws(SessionError) {
        configuration = environment.configuration
        guard let handle = amqp_new_connection() else { throw .unreachable(url: url.description, reason: "out of memory") }
        do {
            descriptor = try Dialer.connect(handle, to: url, configuration: configuration)
            watchdog = Watchdog(descriptor: descriptor)
            watchdog.arm(for: configuration.connectTimeout * 2)
            let cluster: String?
            (serverVersion, cluster) = try Dialer.logIn(handle, at: url, name: name, configuration: configuration)
            longestPayload = Int(amqp_get_frame_max(handle)) - Self.frameOverhead
            try Dialer.acceptLongHeads(handle, at: url)
            home = "virtual host \(url.virtualHost) of \(cluster.map { "cluster \($0)" } ?? "broker \(url.host):\(url.port)")"
            watchdog.disarm()
        } catch {
            amqp_destroy_connection(handle)
            throw error
        }
        self.number = number
        self.url = url
        self.handle = handle
        mailbox = environment.mailbox
        budget = environment.budget
        quarantine = environment.quarantine
        report = environment.report
        channels = (Fixed.publishing...Fixed.trial).map { Channel(number: $0) }
        mainPublishing = PublishingChannel(channel: channels[0], window: configuration.maximumUnconfirmed)
        trialPublishing = PublishingChannel(channel: channels[Int(Fixed.trial) - 1], window: 64, callers: 1)
    }

    deinit {
        amqp_destroy_connection(handle)
    }

    func channel(_ number: UInt16) -> Channel? {
        number >= 1 && Int(number) <= channels.count ? channels[Int(number) - 1] : nil
    }

    /// Returns a channel whose number was never used in this session, so that a late settlement cannot reach a delivery of another channel.
    func newChannel() throws(SessionError) -> Channel {
        guard channels.count < Int(amqp_get_channel_max(handle)) else {
            throw .connectionLost(reason: "all \(channels.count) channels of the connection are used up")
        }
        let channel = Channel(number: UInt16(channels.count + 1))
        channels.append(channel)
        return channel
    }

    /// Throws the error that a result of the C library means. Each such error ends the session.
    func check(_ status: Int32) throws(SessionError) {
        guard status < 0 else { return }
        if watchdog.didFire { throw .timedOut(operation: "a call of the C library; the socket was shut down") }
        switch amqp_status_enum(status) {
        case AMQP_STATUS_HEARTBEAT_TIMEOUT: throw .heartbeatLost
        case AMQP_STATUS_BAD_AMQP_DATA, AMQP_STATUS_UNKNOWN_CLASS, AMQP_STATUS_UNKNOWN_METHOD:
            throw .protocolViolation(String(cString: amqp_error_string2(status)))
        default: throw .connectionLost(reason: String(cString: amqp_error_string2(status)))
        }
    }

    /// Ends the session and answers every caller that waits for it.
    func end(_ error: SessionError) {
        guard failure == nil else { return }
        failure = error
        let reason = error.description
        mailbox.shut(reason: reason)
        for publishing in publishingChannels { publishing.end(reason: reason) }
        failRequests(error)
        mailbox.countLate(settlements.count)
        settlements = []
        for channel in channels { channel.finish(.lost(error)) }
        for subscription in subscriptions { subscription.sessionEnded() }
    }

    /// The earliest deadline of the session; `nil` if it waits for nothing.
    func nextDeadline() -> ContinuousClock.Instant? {
        var earliest: ContinuousClock.Instant?
        func take(_ deadline: ContinuousClock.Instant?) {
            guard let deadline else { return }
            earliest = min(earliest ?? deadline, deadline)
        }
        for channel in channels { take(channel.calls.first?.deadline) }
        for subscription in subscriptions { take(subscription.retryAt) }
        for publishing in publishingChannels { take(confirmDeadline(of: publishing)) }
        return earliest
    }

    /// Answers callers whose messages were not written or not confirmed within their time.
    func expirePublishes(now: ContinuousClock.Instant) {
        let reason = "the broker did not take it in time\(blockedReason.map { ": it is blocked, \($0)" } ?? "")"
        for publishing in publishingChannels { publishing.expire(at: now, reason: reason) }
    }

    /// When the confirm of the oldest unconfirmed message is overdue.
    private func confirmDeadline(of publishing: PublishingChannel) -> ContinuousClock.Instant? {
        publishing.confirms.oldest.map { max($0, unblockedAt) + configuration.longestConfirm }
    }

    /// Throws when the broker has left a call or a message without an answer for too long. A blocked connection has no deadlines.
    func checkDeadlines(now: ContinuousClock.Instant) throws(SessionError) {
        guard blockedReason == nil else { return }
        for channel in channels {
            if let call = channel.calls.first, call.deadline < now { throw .timedOut(operation: call.operation) }
        }
        for publishing in publishingChannels {
            guard let deadline = confirmDeadline(of: publishing), deadline < now else { continue }
            throw .timedOut(operation: "the confirms of \(publishing.confirms.unanswered) messages")
        }
    }
}
