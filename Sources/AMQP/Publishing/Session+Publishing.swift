internal import CRabbitMQ
private import DequeModule

extension Session {
    /// How many further messages to an exchange are tried alone after the broker has closed a channel over one.
    private static let trialsAfterRefusal = 32

    /// The publishing channel that uses this channel, if any.
    func publishingChannel(on channel: Channel) -> PublishingChannel? {
        switch channel.number {
        case Fixed.publishing: mainPublishing
        case Fixed.trial: trialPublishing
        default: nil
        }
    }

    /// Queues a caller's message. Nothing is written yet.
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

    /// Opens the publishing channels for which messages are queued.
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

    /// Makes the broker confirm the messages on a channel.
    func enableConfirms(on channel: Channel, finish: @escaping (Channel.CallResult) -> Void) throws(SessionError) {
        try call(
            amqp_confirm_select_t(), id: AMQP_CONFIRM_SELECT_METHOD, on: channel, expecting: AMQP_CONFIRM_SELECT_OK_METHOD,
            operation: "enabling confirms",
            finish: finish)
    }

    /// Handles the close of a publishing channel. The broker has closed it over one of the unanswered messages.
    ///
    /// - Throws: `closedByBroker` if no message is unanswered, because the close then has another cause.
    func takeClose(of publishing: PublishingChannel, code: UInt16, text: String) throws(SessionError) {
        let unanswered = publishing.confirms.close()
        guard !unanswered.isEmpty else { throw .closedByBroker(code: code, text: text) }
        publishing.phase = .closed
        // The missing exchange may belong to the topology.
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

    /// Handles the close of the connection over an error. One of the unanswered messages may be the cause.
    ///
    /// A message is the cause, and is turned down, if it was alone on the trial channel and was already unanswered at an earlier close.
    /// All unanswered messages go to the quarantine, so each is tried alone when it is published again.
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
