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
        if suspects.remove(publish) {
            var publish = publish
            publish.isSuspect = true
            return trial.backlog.append(publish)
        }
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

    /// Sets the publishing channel to confirms.
    func askForConfirms(on channel: Channel, finish: @escaping (Channel.Outcome) -> Void) throws(SessionError) {
        try ask(
            amqp_confirm_select_t(), AMQP_CONFIRM_SELECT_METHOD, on: channel, expecting: AMQP_CONFIRM_SELECT_OK_METHOD,
            operation: "asking for confirms",
            finish: finish)
    }

    /// The broker has closed a publishing channel: over one of the messages that it has not answered.
    ///
    /// - Throws: `closedByBroker` if all are answered, for then the close has another cause.
    func takeClose(of outlet: Outlet, code: UInt16, text: String) throws(SessionError) {
        let unanswered = outlet.confirms.close()
        guard !unanswered.isEmpty else { throw .closedByBroker(code: code, text: text) }
        outlet.phase = .closed
        // What is missing may be the topology's own.
        if Int32(code) == AMQP_NOT_FOUND { needsTopology = true }
        guard unanswered.count == 1 else {
            for (publish, isReleased) in unanswered where !isReleased {
                var publish = publish
                publish.hasLeft = true
                trial.backlog.append(publish)
            }
            return
        }
        for (publish, isReleased) in unanswered {
            probation[publish.exchange] = Self.probationLength
            if !isReleased { publish.finish(.turnedDown(code: code, text: text)) }
        }
    }

    /// The broker has closed the connection over an error: perhaps over one of the messages that it has not answered. One that was alone on the trial
    /// outlet, and unanswered at such a close before, is turned down; all are tried alone when they are published again.
    func takeClose(code: UInt16, text: String) {
        guard code >= SessionError.firstOfErrors else { return }
        let tried = trial.confirms.close()
        for (publish, isReleased) in main.confirms.close() + tried {
            suspects.add(publish)
            guard !isReleased else { continue }
            let isCause = publish.isSuspect && tried.count == 1
            publish.finish(
                isCause ? .turnedDown(code: code, text: text) : .outcomeUnknown("\(SessionError.closedByBroker(code: code, text: text))"))
        }
        for publish in trial.backlog where publish.isSuspect { suspects.add(publish) }
    }
}
