private import Logging

extension Connection {
    /// Declares or checks all of the topology, in its order.
    func declareTopology(in session: Session) async throws(SessionError) {
        for item in topology.items { try await apply(item, mode: topology.mode, in: session) }
    }

    /// Looks at all of the topology in a session that is at work, and mends it.
    ///
    /// - Throws: for a claim that cannot be had any more. Everything else is a finding, and the session goes on.
    func inspectTopology(in session: Session) async throws(SessionError) {
        if try await !isComplete(in: session) {
            for item in topology.items { try await mend(item, in: session) }
        }
        for (object, detail) in findings where loggedFindings[object] != detail {
            logger.error("something on the broker is not as it must be", metadata: ["object": "\(object)", "detail": "\(detail)"])
        }
        loggedFindings = findings
    }

    /// Asks for all of the topology in one go, so that a look at one that is in order costs one answer of the broker's.
    ///
    /// The broker works in order. It closes the channel over the first item that it refuses, and does nothing of what follows.
    private func isComplete(in session: Session) async throws(SessionError) -> Bool {
        var questions: [(item: TopologyItem, mode: TopologyMode)] = []
        for item in topology.items {
            // First by name only: a declaration would make silently what is missing.
            if let lookupForm = item.lookupForm { questions.append((lookupForm, .check)) }
            if topology.mode == .declare || item.isRequired { questions.append((item, topology.mode)) }
        }
        guard let last = questions.popLast() else { return true }
        try await openTopologyChannel(in: session)
        do throws(SessionError) {
            try await awaitReply { finish throws(SessionError) in
                try session.writeTogether { () throws(SessionError) in
                    for (item, mode) in questions { try session.declare(item, mode: mode, finish: nil) }
                    try session.declare(last.item, mode: last.mode, finish: finish)
                }
            }
            return true
        } catch {
            guard case .closedByBroker = error, session.failure == nil else { throw error }
            return false
        }
    }

    /// Looks at one item, and mends it.
    private func mend(_ item: TopologyItem, in session: Session) async throws(SessionError) {
        let isMissing = try await isMissing(item, in: session)
        guard topology.mode == .declare || item.isRequired else {
            if isMissing { record("it is gone; declare it, or let amqp.declareTopology do so", about: item) }
            return
        }
        do throws(SessionError) {
            try await apply(item, mode: topology.mode, in: session)
            if isMissing {
                record("it was gone and has been declared again; messages that lay in it, and bindings of others, are lost", about: item)
            }
        } catch {
            guard !item.isRequired, session.failure == nil else { throw error }
            record("\(error)", about: item)
        }
    }

    /// What was found since this was asked last.
    func takeFindings() -> [String] {
        defer { findings = [:] }
        return findings.map { "the \($0.key): \($0.value)" }.sorted()
    }

    private func record(_ detail: String, about item: TopologyItem) { findings[item.label] = detail }

    private func isMissing(_ item: TopologyItem, in session: Session) async throws(SessionError) -> Bool {
        guard let lookupForm = item.lookupForm else { return false }
        do throws(SessionError) {
            try await apply(lookupForm, mode: .check, in: session)
            return false
        } catch {
            if case .topologyMissing = error { return true }
            if let failure = session.failure { throw failure }
            // What is there and cannot be looked at is told when it is declared.
            return false
        }
    }

    private func apply(_ item: TopologyItem, mode: TopologyMode, in session: Session) async throws(SessionError) {
        if case .marker(let queue, _, _, mustExist: true) = item {
            try await ask(for: item, as: .queue(name: queue), mode: .check, in: session)
        }
        try await ask(for: item, as: item, mode: mode, in: session)
    }

    /// - Parameter asked: what the broker is asked for; a refusal is about `item`.
    private func ask(for item: TopologyItem, as asked: TopologyItem, mode: TopologyMode, in session: Session) async throws(SessionError) {
        try await openTopologyChannel(in: session)
        try await awaitReply(refusal: { Session.refusal(of: item, code: $0, text: $1) }) { finish throws(SessionError) in
            try session.declare(asked, mode: mode, finish: finish)
        }
    }

    /// Opens the channel again if the broker has closed it with its last refusal.
    private func openTopologyChannel(in session: Session) async throws(SessionError) {
        guard let channel = session.channel(Session.Fixed.topology), !channel.isOpen else { return }
        try await awaitReply { finish throws(SessionError) in try session.open(channel, finish: finish) }
    }
}
