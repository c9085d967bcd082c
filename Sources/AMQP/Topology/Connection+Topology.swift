private import Events
private import Logging

extension Connection {
    /// Declares or checks every item of the topology, in order.
    func declareTopology(in session: Session) async throws(SessionError) {
        for item in topology.items { try await apply(item, mode: topology.mode, in: session) }
    }

    /// Inspects the topology during a session, and repairs it.
    ///
    /// - Throws: when an exclusive queue or a marker cannot be had any more. Every other problem becomes a finding, and the session goes on.
    func inspectTopology(in session: Session) async throws(SessionError) {
        if try await !isComplete(in: session) {
            for item in topology.items { try await mend(item, in: session) }
        }
        for (object, detail) in findings where loggedFindings[object] != detail {
            logger.log(.topologyWrong, metadata: ["object": "\(object)", "detail": "\(detail)"])
        }
        for object in loggedFindings.keys where findings[object] == nil { logger.log(.topologyMended, metadata: ["object": "\(object)"]) }
        loggedFindings = findings
    }

    /// Checks all items at once, so that the inspection of a complete topology costs a single reply.
    ///
    /// The broker processes the requests in order. Over the first item that it refuses it closes the channel, and it ignores the rest.
    private func isComplete(in session: Session) async throws(SessionError) -> Bool {
        var questions: [(item: TopologyItem, mode: TopologyMode)] = []
        for item in topology.items {
            // First by name alone: a declaration would silently create what is missing.
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

    /// Checks one item, and repairs it.
    private func mend(_ item: TopologyItem, in session: Session) async throws(SessionError) {
        let isMissing = try await isMissing(item, in: session)
        guard topology.mode == .declare || item.isRequired else {
            if isMissing { record("it is gone; declare it, or let amqp.declareTopology do so", about: item) }
            return
        }
        do throws(SessionError) {
            try await apply(item, mode: topology.mode, in: session)
            if isMissing {
                record("it was gone and has been declared again; \(item.loss)", about: item)
            }
        } catch {
            guard !item.isRequired, session.failure == nil else { throw error }
            record("\(error)", about: item)
        }
    }

    /// Returns the findings since the last call, and forgets them.
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
            // The item exists but cannot be checked. Its declaration reports the reason.
            return false
        }
    }

    private func apply(_ item: TopologyItem, mode: TopologyMode, in session: Session) async throws(SessionError) {
        if case .marker(let queue, _, _, mustExist: true) = item {
            try await request(item, as: .queue(name: queue), mode: .check, in: session)
        }
        try await request(item, as: item, mode: mode, in: session)
    }

    /// - Parameter asked: the item that the broker is asked for. A refusal is reported about `item`.
    private func request(_ item: TopologyItem, as asked: TopologyItem, mode: TopologyMode, in session: Session) async throws(SessionError) {
        try await openTopologyChannel(in: session)
        try await awaitReply(refusal: { Session.refusal(of: item, code: $0, text: $1) }) { finish throws(SessionError) in
            try session.declare(asked, mode: mode, finish: finish)
        }
    }

    /// Opens the channel again if the broker has closed it over an item that it refused.
    private func openTopologyChannel(in session: Session) async throws(SessionError) {
        guard let channel = session.channel(Session.Fixed.topology), !channel.isOpen else { return }
        try await awaitReply { finish throws(SessionError) in try session.open(channel, finish: finish) }
    }
}
