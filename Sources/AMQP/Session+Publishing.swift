internal import CRabbitMQ
private import DequeModule

extension Session {
    /// How many messages to an exchange are tried alone after the broker has closed a channel over one.
    private static let probationLength = 32

    /// The outlet that a channel belongs to.
    func outlet(_ channel: Channel) -> Outlet? {
        switch channel.number {
        case Fixed.publishing: main
        case Fixed.trial: trial
        default: nil
        }
    }

    /// Takes a message of a caller; nothing is written yet.
    func take(_ publish: Publish) {
        guard !main.confirms.adopt(publish), !trial.confirms.adopt(publish) else { return }
        guard let left = probation[publish.exchange] else { return main.backlog.append(publish) }
        probation[publish.exchange] = left > 1 ? left - 1 : nil
        trial.backlog.append(publish)
    }

    /// Opens the channels for which messages wait.
    func openOutlets() throws(SessionError) {
        for outlet in outlets where outlet.phase == .closed && !outlet.backlog.isEmpty {
            outlet.phase = .opening
            try open(outlet.channel) { [unowned self] outcome in
                guard case .reply = outcome else { return }
                attempt { () throws(SessionError) in
                    try askForConfirms(on: outlet.channel) { outcome in
                        if case .reply = outcome { outlet.phase = .open }
                    }
                }
            }
        }
    }

    /// The broker has closed a publishing channel: over one of the messages that it has not answered.
    ///
    /// - Throws: `closedByBroker` if all are answered, for then the close has another cause.
    func takeClose(of outlet: Outlet, code: UInt16, text: String) throws(SessionError) {
        let suspects = outlet.confirms.close()
        guard !suspects.isEmpty else { throw .closedByBroker(code: code, text: text) }
        outlet.phase = .closed
        // What is missing may be the topology's own.
        if Int32(code) == AMQP_NOT_FOUND { needsTopology = true }
        guard suspects.count == 1 else {
            for (publish, isReleased) in suspects where !isReleased {
                var publish = publish
                publish.hasLeft = true
                trial.backlog.append(publish)
            }
            return
        }
        for (publish, isReleased) in suspects {
            probation[publish.exchange] = Self.probationLength
            if !isReleased { publish.finish(.turnedDown(code: code, text: text)) }
        }
    }
}
