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
        for item in topology {
            let isMissing = try await isMissing(item, session)
            guard mode == .declare || item.isClaim else {
                if isMissing { find(item, "it is gone; declare it, or let amqp.declareTopology do so") }
                continue
            }
            do throws(SessionError) {
                try await see(to: item, mode: mode, session)
                if isMissing {
                    find(item, "it was gone and has been declared again; messages that lay in it, and bindings of others, are lost")
                }
            } catch {
                guard !item.isClaim, session.failure == nil else { throw error }
                find(item, "\(error)")
            }
        }
        for (object, detail) in findings where toldFindings[object] != detail {
            logger.error("something on the broker is not as it must be", metadata: ["object": "\(object)", "detail": "\(detail)"])
        }
        toldFindings = findings
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
        // The broker has closed the channel with its last refusal.
        if let channel = session.channel(Session.Fixed.topology), !channel.isOpen {
            try await answer { finish throws(SessionError) in try session.open(channel, finish: finish) }
        }
        try await answer(refusal: { Session.refusal(of: item, code: $0, text: $1) }) { finish throws(SessionError) in
            try session.ask(for: asked, mode: mode, finish: finish)
        }
    }
}
