private import Logging

extension Connection {
    /// Declares or checks all of the topology, in its order.
    func seeToTopology(_ session: Session) async throws(SessionError) {
        for item in topology { try await see(to: item, mode: mode, session) }
    }

    /// Looks at all of the topology in a session that is at work, and mends it.
    ///
    /// - Throws: for a claim that cannot be had any more. Everything else is a finding, and the session goes on.
    func inspectTopology(_ session: Session) async throws(SessionError) {
        if try await !isInOrder(session) {
            for item in topology { try await mend(item, session) }
        }
        for (object, detail) in findings where toldFindings[object] != detail {
            logger.error("something on the broker is not as it must be", metadata: ["object": "\(object)", "detail": "\(detail)"])
        }
        toldFindings = findings
    }

    /// Asks for all of the topology in one go, so that a look at one that is in order costs one answer of the broker's.
    ///
    /// The broker works in order. It closes the channel over the first item that it refuses, and does nothing of what follows.
    private func isInOrder(_ session: Session) async throws(SessionError) -> Bool {
        var questions: [(item: TopologyItem, mode: TopologyMode)] = []
        for item in topology {
            // First by name only: a declaration would make silently what is missing.
            if let trace = item.trace { questions.append((trace, .check)) }
            if mode == .declare || item.isClaim { questions.append((item, mode)) }
        }
        guard let last = questions.popLast() else { return true }
        try await openTopologyChannel(session)
        do throws(SessionError) {
            try await answer { finish throws(SessionError) in
                try session.writeTogether { () throws(SessionError) in
                    for (item, mode) in questions { try session.ask(for: item, mode: mode, finish: nil) }
                    try session.ask(for: last.item, mode: last.mode, finish: finish)
                }
            }
            return true
        } catch {
            guard case .closedByBroker = error, session.failure == nil else { throw error }
            return false
        }
    }

    /// Looks at one item, and mends it.
    private func mend(_ item: TopologyItem, _ session: Session) async throws(SessionError) {
        let isMissing = try await isMissing(item, session)
        guard mode == .declare || item.isClaim else {
            if isMissing { find(item, "it is gone; declare it, or let amqp.declareTopology do so") }
            return
        }
        do throws(SessionError) {
            try await see(to: item, mode: mode, session)
            if isMissing {
                find(item, "it was gone and has been declared again; \(item.loss)")
            }
        } catch {
            guard !item.isClaim, session.failure == nil else { throw error }
            find(item, "\(error)")
        }
    }

    /// What was found since this was asked last.
    func takeFindings() -> [String] {
        defer { findings = [:] }
        return findings.map { "the \($0.key): \($0.value)" }.sorted()
    }

    private func find(_ item: TopologyItem, _ detail: String) { findings[item.label] = detail }

    private func isMissing(_ item: TopologyItem, _ session: Session) async throws(SessionError) -> Bool {
        guard let trace = item.trace else { return false }
        do throws(SessionError) {
            try await see(to: trace, mode: .check, session)
            return false
        } catch {
            if case .topologyMissing = error { return true }
            if let failure = session.failure { throw failure }
            // What is there and cannot be looked at is told when it is declared.
            return false
        }
    }

    private func see(to item: TopologyItem, mode: TopologyMode, _ session: Session) async throws(SessionError) {
        if case .marker(let queue, _, _, isOthers: true) = item { try await ask(for: item, as: .queue(name: queue), mode: .check, session) }
        try await ask(for: item, as: item, mode: mode, session)
    }

    /// - Parameter asked: what the broker is asked for; a refusal is about `item`.
    private func ask(for item: TopologyItem, as asked: TopologyItem, mode: TopologyMode, _ session: Session) async throws(SessionError) {
        try await openTopologyChannel(session)
        try await answer(refusal: { Session.refusal(of: item, code: $0, text: $1) }) { finish throws(SessionError) in
            try session.ask(for: asked, mode: mode, finish: finish)
        }
    }

    /// Opens the channel again if the broker has closed it with its last refusal.
    private func openTopologyChannel(_ session: Session) async throws(SessionError) {
        guard let channel = session.channel(Session.Fixed.topology), !channel.isOpen else { return }
        try await answer { finish throws(SessionError) in try session.open(channel, finish: finish) }
    }
}
