internal import CRabbitMQ
internal import DequeModule
private import Glibc

/// One login at one broker, from the first byte to the last. Confined to its connection's thread; after any error it is thrown away whole.
final class Session {
    enum Fixed {
        static let publishing: UInt16 = 1
        static let topology: UInt16 = 2
        static let errands: UInt16 = 3
        static let trial: UInt16 = 4
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
    let suspects: Suspects
    let report: (ConnectionEvent) -> Void
    let arena = Arena()

    /// Channels by number, from 1.
    var channels: [Channel] = []
    var subscriptions: [Subscription] = []
    /// Where messages are published, and where each is tried alone.
    let main: Outlet
    let trial: Outlet
    var outlets: [Outlet] { [main, trial] }
    /// How many of the next messages to an exchange are tried alone, for the broker has closed a channel over one lately.
    var probation: [String: Int] = [:]
    /// Since when the broker has been free to confirm.
    var unblockedAt = ContinuousClock.now
    var settlements: Deque<(channel: UInt16, frame: Unsettled.Frame)> = []
    var errands: Deque<Errand> = []
    /// Whether the answer to an errand is to come.
    var isRunningErrand = false
    /// The errand under way, while its caller waits for it.
    var runningErrand: Errand?
    /// Questions about the topology, which the connection answers.
    var inspections: [Errand] = []
    var blockedReason: String?
    /// A queue has gone: the topology is to be declared again before anything is consumed.
    var needsTopology = false
    /// Whether everything that had come in was read; if not, the thread must not sleep.
    var isDrained = true
    /// Whether writing stopped because the socket was full.
    var isFull = false
    /// How much may be written, in bytes, before the socket is asked again whether it takes more.
    var room = 0
    /// Whether the topology has been seen to.
    var isReady = false
    var failure: SessionError?
    /// Whether the broker answers nothing, now or ever.
    var isMute: Bool { failure != nil || blockedReason != nil }

    /// Connects and logs in; blocks the thread for at most twice the connect time-out, and the resolver's time.
    init(
        number: UInt64, url: AMQPURL, name: String, configuration: AMQPConfiguration, mailbox: Mailbox, budget: SizeBudget,
        suspects: Suspects, report: @escaping (ConnectionEvent) -> Void
    )
        throws(SessionError)
    {
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
        self.configuration = configuration
        self.handle = handle
        self.mailbox = mailbox
        self.budget = budget
        self.suspects = suspects
        self.report = report
        channels = (Fixed.publishing...Fixed.trial).map { Channel(number: $0) }
        main = Outlet(channel: channels[0], window: configuration.maximumUnconfirmed)
        trial = Outlet(channel: channels[Int(Fixed.trial) - 1], window: 64, callers: 1)
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
        if watchdog.hasBarked { throw .timedOut(operation: "a call of the C library; the socket was shut down") }
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
        for outlet in outlets { outlet.end(reason: reason) }
        giveUpErrands(error)
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
        for outlet in outlets { take(confirmDeadline(of: outlet)) }
        return earliest
    }

    /// Answers callers whose messages have not left, or not been confirmed, in the time they had.
    func expirePublishes(now: ContinuousClock.Instant) {
        let reason = "the broker did not take it in time\(blockedReason.map { ": it is blocked, \($0)" } ?? "")"
        for outlet in outlets { outlet.expire(at: now, reason: reason) }
    }

    /// When an answer to the oldest unanswered message is overdue.
    private func confirmDeadline(of outlet: Outlet) -> ContinuousClock.Instant? {
        outlet.confirms.oldest.map { max($0, unblockedAt) + configuration.longestConfirm }
    }

    /// Gives up a session that leaves a question or a message unanswered. A broker that has blocked the connection leaves all of them.
    func checkDeadlines(now: ContinuousClock.Instant) throws(SessionError) {
        guard blockedReason == nil else { return }
        for channel in channels {
            if let call = channel.calls.first, call.deadline < now { throw .timedOut(operation: call.operation) }
        }
        for outlet in outlets {
            guard let deadline = confirmDeadline(of: outlet), deadline < now else { continue }
            throw .timedOut(operation: "the confirms of \(outlet.confirms.unanswered) messages")
        }
    }
}
