private import DedicatedThread
private import Logging

extension Connection {
    /// Connects, serves, and reconnects until the task is cancelled or `close()` is called; both end it in order.
    ///
    /// Returns at once when it is called a second time, or after `close()`.
    package nonisolated func run() async {
        // Before the step onto the thread: a thread that has been ended would never take it.
        guard mailbox.begin() else { return }
        await runOnThread()
    }

    private func runOnThread() async {
        // The thread holds the closure, and so this actor, until the turn is taken back below.
        thread.setTurn { [self] in assumeIsolated { $0.turn() } }
        await withTaskCancellationHandler {
            await runSessions()
        } onCancel: {
            mailbox.stop()
        }
        thread.setTurn(nil)
        // A consumer that was asked for at the very end has never seen a session.
        for consumer in consumers + mailbox.take().newConsumers { consumer.end() }
        consumers = []
        updateStatus { $0.state = .stopped }
        onEvent(.stopped)
        mailbox.close()
    }

    private func runSessions() async {
        guard !configuration.urls.isEmpty else { return logger.error("no broker is configured; set amqp.urls") }
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

    /// One session, from the connection to its end: whether it was ready in between, and what ended it.
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
        // The session is let go of: whoever still waits hears of it now.
        let closed = SessionError.noSession(reason: "the connection has been closed")
        session.end(closed)
        return (true, session.failure ?? closed)
    }

    /// Opens the channels and sees to the topology.
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
        logger.info("connected to the broker", metadata: ["url": "\(url)", "version": "\(session.serverVersion)"])
        updateStatus { $0.state = .connected(url: url, serverVersion: session.serverVersion) }
        session.isReady = true
        mailbox.open(session: session.number, frameMaximum: session.frameMaximum - 8)
        onEvent(.connected(url: url, serverVersion: session.serverVersion))
    }

    /// Returns when the connection is to be closed; throws when the session has ended.
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

    /// Ends a session in order. What the broker has answered by then has been done; there is a time limit to each step. A broker that has
    /// blocked the connection reads nothing, so that nothing can be waited for.
    private func closeGracefully(_ session: Session) async throws(SessionError) {
        session.take(mailbox.drain(reason: "the connection is being closed"))
        await wait(until: .now + configuration.rpcTimeout) {
            session.isUnresponsive
                || (session.areSettlementsWritten && session.publishingChannels.allSatisfy { $0.confirms.count == 0 && $0.backlog.isEmpty })
        }
        guard !session.isUnresponsive else { return }
        // The broker answers the close of a channel after it has done everything that was written on it before: the acks are safe then.
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

    // MARK: Words

    private func reportLoss(_ error: SessionError, wasReady: Bool, failures: Int) {
        if wasReady {
            logger.warning("the session with the broker was lost; connecting again", metadata: ["reason": "\(error)"])
        } else {
            logger.warning("no session with the broker; trying again", metadata: ["reason": "\(error)", "attempts": "\(failures)"])
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
            logger.warning("the broker takes no messages for now", metadata: ["reason": "\(reason)"])
        case .unblocked:
            updateStatus { $0.blockedReason = nil }
            logger.info("the broker takes messages again")
        case .consuming(let queue): logger.info("consuming", metadata: ["queue": "\(queue)"])
        case .consumerLost(let queue, let reason):
            logger.warning("the broker ended a consumer; consuming again", metadata: ["queue": "\(queue)", "reason": "\(reason)"])
        case .connected, .setupFailed, .disconnected, .stopped: break
        }
        onEvent(event)
    }

    // MARK: Waiting

    /// Waits on the connection's own thread: its condition is looked at after each turn.
    private func wait(until deadline: ContinuousClock.Instant? = nil, or isOver: @escaping () -> Bool) async {
        guard !isOver() else { return }
        await withCheckedContinuation { waits.append(Pending(deadline: deadline, isOver: isOver, continuation: $0)) }
    }

    /// Asks the broker something and waits for the answer.
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
