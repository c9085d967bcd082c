internal import DedicatedThread

extension Connection {
    /// Runs one turn of the thread: reads, takes work from callers, writes, and hands deliveries over. Returns how long the thread may
    /// sleep.
    func turn() -> Wait {
        let now = ContinuousClock.now
        if let session, session.failure == nil {
            session.watchdog.arm(for: configuration.rpcTimeout)
            session.attempt { () throws(SessionError) in try work(session, now: now) }
            session.watchdog.disarm()
        } else {
            consumers += mailbox.take().newConsumers
            for consumer in consumers { consumer.resumeIdleWaiters(sessionIsGone: true) }
        }
        updateStatus { status in
            status.lastIO = now
            status.unconfirmed = session?.publishingChannels.reduce(0) { $0 + $1.confirms.unanswered } ?? 0
        }
        return resumeWaits(now: now)
    }

    private func work(_ session: Session, now: ContinuousClock.Instant) throws(SessionError) {
        // Only the reading is batched. A write can wait for a broker that has stopped reading, and no other thread may wait with it.
        // Reading causes at most a few small answers; they fit into the socket, or the watchdog ends the session.
        try WakeUps.batched { () throws(SessionError) in try session.read() }
        let work = mailbox.take()
        consumers += work.newConsumers
        session.take(work)
        try checkAffinity(session)
        if session.isReady { try subscribe(in: session, now: now) }
        try session.openPublishingChannels()
        try session.write()
        try session.advanceRequests()
        session.expirePublishes(now: now)
        try session.checkDeadlines(now: now)
        WakeUps.batched {
            for subscription in session.subscriptions { subscription.flush() }
        }
    }

    /// Ends a publishing session that is on another cluster than the consuming one. A consuming session waits for the publishing one.
    func checkAffinity(_ session: Session) throws(SessionError) {
        guard let (affinity, side) = affinity else { return }
        let isPermitted = affinity.permits(side, in: session.home)
        session.mayConsume = isPermitted
        guard side == .publishing, !isPermitted, let home = affinity.consumingHome else { return }
        throw .otherCluster(url: session.url.description, home: session.home, consuming: home)
    }

    /// Gives every consumer a subscription in the session, and lets each subscription take its next step.
    private func subscribe(in session: Session, now: ContinuousClock.Instant) throws(SessionError) {
        while session.subscriptions.count < consumers.count {
            session.subscriptions.append(
                try Subscription(consumers[session.subscriptions.count], in: session, pause: pause(afterFailures:)))
        }
        for subscription in session.subscriptions { try subscription.advance(in: session, now: now) }
    }

    /// How long a consumer waits before its next attempt, after the broker has ended it this many times in a row.
    private func pause(afterFailures failures: Int) -> Duration {
        configuration.backoff.pause(afterFailures: failures, using: &generator)
    }

    private func resumeWaits(now: ContinuousClock.Instant) -> Wait {
        var isOver = false
        waits.removeAll { wait in
            guard wait.isOver() || (wait.deadline.map { $0 <= now } ?? false) else { return false }
            wait.continuation.resume()
            isOver = true
            return true
        }
        var timeout = configuration.heartbeat / 4
        func wake(at deadline: ContinuousClock.Instant?) {
            guard let deadline else { return }
            timeout = min(timeout, now.duration(to: deadline))
        }
        for wait in waits { wake(at: wait.deadline) }
        guard let session, session.failure == nil else { return Wait(timeout: isOver ? .zero : timeout) }
        if session.blockedReason == nil { wake(at: session.nextDeadline()) }
        return Wait(descriptor: session.descriptor, forWriting: session.isFull, timeout: isOver || !session.isDrained ? .zero : timeout)
    }
}
