internal import CRabbitMQ
internal import DequeModule
private import Glibc

/// One login at one broker, from the first byte to the last. Confined to its connection's thread; after any error it is thrown away whole.
final class Session {
    enum Fixed {
        static let publishing: UInt16 = 1
        static let topology: UInt16 = 2
        static let management: UInt16 = 3
        static let trial: UInt16 = 4
    }

    /// What a session shares with its connection and the sessions before it.
    struct Environment {
        let configuration: AMQPConfiguration
        let mailbox: Mailbox
        let budget: SizeBudget
        let quarantine: Quarantine
        /// Takes events for logs and metrics, on the connection's thread.
        let report: (ConnectionEvent) -> Void
    }

    let number: UInt64
    let url: AMQPURL
    let serverVersion: String
    /// The virtual host and the cluster, as the broker names it.
    let home: String
    /// Whether consumers may start: the connection that publishes is in the same home.
    var mayConsume = true
    let configuration: AMQPConfiguration
    let handle: amqp_connection_state_t
    let descriptor: Int32
    let watchdog: Watchdog
    let mailbox: Mailbox
    let budget: SizeBudget
    let quarantine: Quarantine
    let report: (ConnectionEvent) -> Void
    let arena = Arena()

    /// Channels by number, from 1.
    var channels: [Channel] = []
    var subscriptions: [Subscription] = []
    /// Where messages are published, and where each is tried alone.
    let mainPublishing: PublishingChannel
    let trialPublishing: PublishingChannel
    var publishingChannels: [PublishingChannel] { [mainPublishing, trialPublishing] }
    /// How many of the next messages to an exchange are tried alone, for the broker has closed a channel over one lately.
    var trialsLeft: [String: Int] = [:]
    /// Since when the broker has been free to confirm.
    var unblockedAt = ContinuousClock.now
    var settlements: Deque<(channel: UInt16, frame: Unsettled.Frame)> = []
    var requests: Deque<ManagementRequest> = []
    /// Whether the answer to a request is to come.
    var isRequestRunning = false
    /// The request under way, while its caller waits for it.
    var runningRequest: ManagementRequest?
    /// Questions about the topology, which the connection answers.
    var inspections: [ManagementRequest] = []
    var blockedReason: String?
    /// A queue has gone: the topology is to be declared again before anything is consumed.
    var needsTopology = false
    /// Whether everything that had come in was read; if not, the thread must not sleep.
    var isDrained = true
    /// Whether writing stopped because the socket was full.
    var isFull = false
    /// How much may be written, in bytes, before the socket is asked again whether it takes more.
    var writeAllowance = 0
    /// Whether the topology has been seen to.
    var isReady = false
    var failure: SessionError?
    /// Whether the broker answers nothing, now or ever.
    var isUnresponsive: Bool { failure != nil || blockedReason != nil }

    /// Connects and logs in; blocks the thread for at most twice the connect time-out, and the resolver's time.
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

    /// The largest frame both sides agreed on, in bytes.
    var frameMaximum: Int { Int(amqp_get_frame_max(handle)) }

    func channel(_ number: UInt16) -> Channel? {
        number >= 1 && Int(number) <= channels.count ? channels[Int(number) - 1] : nil
    }

    /// A channel number that has not been used in this session, so that a late settlement can never hit a delivery of another channel.
    func newChannel() throws(SessionError) -> Channel {
        guard channels.count < Int(amqp_get_channel_max(handle)) else {
            throw .connectionLost(reason: "all \(channels.count) channels of the connection are used up")
        }
        let channel = Channel(number: UInt16(channels.count + 1))
        channels.append(channel)
        return channel
    }

    /// Turns a result of the C library into an error. Its errors end the session.
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

    /// Ends the session: answers everybody who waits for it.
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

    /// The earliest moment at which something must be looked at, if nothing comes in.
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

    /// Answers callers whose messages have not left, or not been confirmed, in the time they had.
    func expirePublishes(now: ContinuousClock.Instant) {
        let reason = "the broker did not take it in time\(blockedReason.map { ": it is blocked, \($0)" } ?? "")"
        for publishing in publishingChannels { publishing.expire(at: now, reason: reason) }
    }

    /// When an answer to the oldest unanswered message is overdue.
    private func confirmDeadline(of publishing: PublishingChannel) -> ContinuousClock.Instant? {
        publishing.confirms.oldest.map { max($0, unblockedAt) + configuration.longestConfirm }
    }

    /// Gives up a session that leaves a question or a message unanswered. A broker that has blocked the connection leaves all of them.
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
