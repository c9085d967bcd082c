internal import CRabbitMQ
private import DequeModule

extension Session {
    /// How many messages to an exchange are tried alone after the broker has closed a channel over one.
    private static let trialsAfterRefusal = 32

    /// The publishing that a channel belongs to.
    func publishingChannel(on channel: Channel) -> PublishingChannel? {
        switch channel.number {
        case Fixed.publishing: mainPublishing
        case Fixed.trial: trialPublishing
        default: nil
        }
    }

    /// Takes a message of a caller; nothing is written yet.
    func take(_ publish: Publish) {
        guard !mainPublishing.confirms.adopt(publish), !trialPublishing.confirms.adopt(publish) else { return }
        if quarantine.remove(publish) {
            var publish = publish
            publish.wasQuarantined = true
            return trialPublishing.backlog.append(publish)
        }
        guard let left = trialsLeft[publish.exchange] else { return mainPublishing.backlog.append(publish) }
        trialsLeft[publish.exchange] = left > 1 ? left - 1 : nil
        trialPublishing.backlog.append(publish)
    }

    /// Opens the channels for which messages wait.
    func openPublishingChannels() throws(SessionError) {
        for publishing in publishingChannels where publishing.phase == .closed && !publishing.backlog.isEmpty {
            publishing.phase = .opening
            try open(publishing.channel) { [unowned self] outcome in
                guard case .reply = outcome else { return }
                attempt { () throws(SessionError) in
                    try enableConfirms(on: publishing.channel) { outcome in
                        if case .reply = outcome { publishing.phase = .open }
                    }
                }
            }
        }
    }

    /// Sets the publishing channel to confirms.
    func enableConfirms(on channel: Channel, finish: @escaping (Channel.CallResult) -> Void) throws(SessionError) {
        try call(
            amqp_confirm_select_t(), id: AMQP_CONFIRM_SELECT_METHOD, on: channel, expecting: AMQP_CONFIRM_SELECT_OK_METHOD,
            operation: "asking for confirms",
            finish: finish)
    }

    /// The broker has closed a publishing channel: over one of the messages that it has not answered.
    ///
    /// - Throws: `closedByBroker` if all are answered, for then the close has another cause.
    func takeClose(of publishing: PublishingChannel, code: UInt16, text: String) throws(SessionError) {
        let unanswered = publishing.confirms.close()
        guard !unanswered.isEmpty else { throw .closedByBroker(code: code, text: text) }
        publishing.phase = .closed
        // What is missing may be the topology's own.
        if Int32(code) == AMQP_NOT_FOUND { needsTopology = true }
        guard unanswered.count == 1 else {
            for (publish, isReleased) in unanswered where !isReleased {
                var publish = publish
                publish.hasLeft = true
                trialPublishing.backlog.append(publish)
            }
            return
        }
        for (publish, isReleased) in unanswered {
            trialsLeft[publish.exchange] = Self.trialsAfterRefusal
            if !isReleased { publish.finish(.turnedDown(code: code, text: text)) }
        }
    }

    /// The broker has closed the connection over an error: perhaps over one of the messages that it has not answered. One that was alone on the trial
    /// publishing, and unanswered at such a close before, is turned down; all are tried alone when they are published again.
    func takeClose(code: UInt16, text: String) {
        guard code >= SessionError.firstOfErrors else { return }
        let tried = trialPublishing.confirms.close()
        for (publish, isReleased) in mainPublishing.confirms.close() + tried {
            quarantine.add(publish)
            guard !isReleased else { continue }
            let isCause = publish.wasQuarantined && tried.count == 1
            publish.finish(
                isCause ? .turnedDown(code: code, text: text) : .outcomeUnknown("\(SessionError.closedByBroker(code: code, text: text))"))
        }
        for publish in trialPublishing.backlog where publish.wasQuarantined { quarantine.add(publish) }
    }
}
