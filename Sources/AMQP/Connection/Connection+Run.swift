private import DedicatedThread
private import Events
private import Logging

extension Connection {
    /// Connects, serves and reconnects until the task is cancelled or `close()` is called. Both close the session gracefully.
    ///
    /// A second call, and a call after `close()`, returns at once.
    package nonisolated func run() async {
        // This check comes before the switch to the thread: a thread that has ended would never run the rest.
        guard mailbox.begin() else { return }
        await runOnThread()
    }

    private func runOnThread() async {
        // The thread keeps the closure, and with it this actor, until the turn is removed below.
        thread.setTurn { [self] in assumeIsolated { $0.turn() } }
        await withTaskCancellationHandler {
            await runSessions()
        } onCancel: {
            mailbox.stop()
        }
        thread.setTurn(nil)
        // A consumer that was created at the very end has never been in a session.
        for consumer in consumers + mailbox.take().newConsumers { consumer.end() }
        consumers = []
        updateStatus { $0.state = .stopped }
        onEvent(.stopped)
        mailbox.close()
    }

    private func runSessions() async {
        guard !configuration.urls.isEmpty else { return logger.log(.brokerNotConfigured) }
        var policy = ReconnectPolicy(urls: configuration.urls.count, stableAfter: configuration.backoff.maximum)
        while !mailbox.isStopping {
            let url = configuration.urls[policy.nextURL]
            let start = ContinuousClock.now
            let (wasReady, error) = await runSession(at: url)
            if mailbox.isStopping { return }
            policy.record(wasReady: wasReady, after: .now - start)
            reportLoss(error, wasReady: wasReady, failures: policy.failures)
            guard let failuresBeforePause = policy.failuresBeforePause else { continue }
            let pause = configuration.backoff.pause(afterFailures: failuresBeforePause, using: &generator)
            await wait(until: .now + pause) { [mailbox] in mailbox.isStopping }
        }
    }

    /// Runs one session from connect to end. Returns whether the session was ready in between, and the error that ended it.
    private func runSession(at url: AMQPURL) async -> (wasReady: Bool, SessionError) {
        sessions += 1
        consumers.removeAll { $0.desiredState == .finished }
        let session: Session
        do throws(SessionError) {
            session = try Session(
                number: sessions, url: url, name: "\(configuration.connectionName) \(role)",
                environment: Session.Environment(
                    configuration: configuration, mailbox: mailbox, budget: budget, quarantine: quarantine,
                    report: { [unowned self] event in report(event) }))
        } catch {
            return (false, error)
        }
        self.session = session
        defer { self.session = nil }
        do throws(SessionError) {
            try checkAffinity(session)
            try await setUp(session)
        } catch {
            session.end(error)
            return (false, error)
        }
        if let affinity { affinity.0.move(affinity.side, to: session.home) }
        defer { if let affinity { affinity.0.move(affinity.side, to: nil) } }
        markReady(session)
        do throws(SessionError) {
            try await serve(session)
            try await closeGracefully(session)
        } catch {
            session.end(error)
        }
        // The session is released here, so every caller that still waits gets an answer now.
        let closed = SessionError.noSession(reason: "the connection has been closed")
        session.end(closed)
        return (true, session.failure ?? closed)
    }

    /// Opens the channels, enables confirms and applies the topology.
    private func setUp(_ session: Session) async throws(SessionError) {
        for number in [Session.Fixed.publishing, Session.Fixed.topology] {
            guard let channel = session.channel(number) else { continue }
            try await awaitReply { finish throws(SessionError) in try session.open(channel, finish: finish) }
        }
        if let channel = session.channel(Session.Fixed.publishing) {
            try await awaitReply { finish throws(SessionError) in try session.enableConfirms(on: channel, finish: finish) }
            session.mainPublishing.phase = .open
        }
        try await declareTopology(in: session)
    }

    private func markReady(_ session: Session) {
        let url = session.url.description
        logger.log(.brokerConnected, metadata: ["url": "\(url)", "version": "\(session.serverVersion)"])
        updateStatus { $0.state = .connected(url: url, serverVersion: session.serverVersion) }
        session.isReady = true
        mailbox.open(session: session.number, frameMaximum: session.longestPayload)
        onEvent(.connected(url: url, serverVersion: session.serverVersion))
    }

    /// Serves the session until the connection is to be closed. Throws when the session has ended.
    private func serve(_ session: Session) async throws(SessionError) {
        while true {
            await wait { [mailbox] in
                session.failure != nil || session.needsTopology || !session.inspections.isEmpty || mailbox.isStopping
            }
            if let failure = session.failure { throw failure }
            if mailbox.isStopping { return }
            session.needsTopology = false
            try await inspectTopology(in: session)
            let inspections = session.inspections
            session.inspections = []
            guard !inspections.isEmpty else { continue }
            let findings = takeFindings()
            for inspection in inspections { inspection.finish(.success(.findings(findings))) }
        }
    }

    /// Closes a session gracefully: settlements, confirms, channels, connection. Each step has the time limit of a request.
    ///
    /// The broker has processed everything that it has answered by then. A broker that has blocked the connection reads nothing, so
    /// the close does not wait for it.
    private func closeGracefully(_ session: Session) async throws(SessionError) {
        session.take(mailbox.drain(reason: "the connection is being closed"))
        await wait(until: .now + configuration.rpcTimeout) {
            session.isUnresponsive
                || (session.areSettlementsWritten && session.publishingChannels.allSatisfy { $0.confirms.count == 0 && $0.backlog.isEmpty })
        }
        guard !session.isUnresponsive else { return }
        // The broker answers channel.close after it has processed everything written on the channel before. Then the acks are safe.
        var open = 0
        for channel in session.channels where channel.isOpen {
            open += 1
            try session.close(channel) { _ in open -= 1 }
        }
        await wait(until: .now + configuration.rpcTimeout) { session.isUnresponsive || open == 0 }
        guard !session.isUnresponsive else { return }
        try session.sendConnectionClose()
        await wait(until: .now + configuration.rpcTimeout) { session.failure != nil }
    }

    // MARK: Logs and events

    private func reportLoss(_ error: SessionError, wasReady: Bool, failures: Int) {
        if wasReady {
            logger.log(.brokerLost, metadata: ["reason": "\(error)"])
        } else {
            logger.log(.brokerUnreachable, metadata: ["reason": "\(error)", "attempts": "\(failures)"])
        }
        updateStatus { status in
            status.state = .connecting(attempt: failures + 1, lastError: error)
            status.blockedReason = nil
            if wasReady { status.reconnects += 1 }
        }
        onEvent(wasReady ? .disconnected(error) : .setupFailed(error))
    }

    private func report(_ event: ConnectionEvent) {
        switch event {
        case .blocked(let reason):
            updateStatus { $0.blockedReason = reason }
            logger.log(.brokerBlocked, metadata: ["reason": "\(reason)"])
        case .unblocked:
            updateStatus { $0.blockedReason = nil }
            logger.log(.brokerUnblocked)
        case .consuming(let queue): logger.log(.consumerStarted, metadata: ["queue": "\(queue)"])
        case .consumerLost(let queue, let reason):
            logger.log(.consumerLost, metadata: ["queue": "\(queue)", "reason": "\(reason)"])
        case .connected, .setupFailed, .disconnected, .stopped: break
        }
        onEvent(event)
    }

    // MARK: Waiting

    /// Suspends `run()` until the deadline or until the condition holds. The thread checks the condition after each turn.
    private func wait(until deadline: ContinuousClock.Instant? = nil, or isOver: @escaping () -> Bool) async {
        guard !isOver() else { return }
        await withCheckedContinuation { waits.append(Pending(deadline: deadline, isOver: isOver, continuation: $0)) }
    }

    /// Sends a request to the broker and waits for its reply.
    ///
    /// - Parameters:
    ///   - refusal: makes the error when the broker closes the channel instead of replying.
    ///   - ask: writes the request. It passes the result to its argument exactly once, unless it throws.
    func awaitReply(
        refusal: (UInt16, String) -> SessionError = { .closedByBroker(code: $0, text: $1) },
        _ ask: (@escaping (Channel.CallResult) -> Void) throws(SessionError) -> Void
    ) async throws(SessionError) {
        let outcome: Channel.CallResult = await withCheckedContinuation { continuation in
            do throws(SessionError) {
                try ask { continuation.resume(returning: $0) }
            } catch {
                continuation.resume(returning: .lost(error))
            }
        }
        switch outcome {
        case .reply: return
        case .closed(let code, let text): throw refusal(code, text)
        case .lost(let error): throw error
        }
    }
}
