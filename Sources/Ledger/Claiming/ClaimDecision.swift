package import JobModel

/// What a store does about the claim of a job that it knows. The rules stand here once, for all stores.
package enum ClaimDecision: Sendable, Equatable {
    /// Start a new round in the same record: a final question was asked again.
    case reopen(for: ReplyRecipient)
    /// The claim's run takes over the job.
    case resume
    /// The claim's run takes over a waiting question, with the claim's content from now on. All recipients get its replies.
    case replace
    /// Another run works on the job; it also replies to the claim's recipient.
    case join(owner: String)
    /// Another run works on the question with other content, so that its reply does not answer this claim.
    case waitForRun(owner: String)
    /// The job waits for its due time or for the operator.
    case wait
    /// The job is final.
    case answer
    /// The message belongs to an earlier round. It gets that round's end again: the first final reply to this recipient with a number greater
    /// than this one.
    case recall(for: ReplyRecipient, after: Int)
    /// The reference belongs to a job with other content.
    case conflict

    /// Whether the claim's message was seen before. Each new question starts a new round of the same record.
    package enum Sighting: Sendable, Equatable {
        case first
        /// The message has asked in this round (``Claim/question``), or the round's reply to its recipient is still unconfirmed.
        case inThisRound
        /// The message has asked in an earlier round, which started after this many replies.
        case inEarlierRound(Int)

        /// - Parameters:
        ///   - round: the last round in which a message with this identity has asked, if any. A first delivery is always a new question, even if
        ///     the caller uses one `message_id` for all its messages.
        ///   - current: the record's current round.
        ///   - owesReply: whether the current round's reply to the claim's recipient is stored and unconfirmed.
        package init(of claim: Claim, askedIn round: Int?, current: Int, owesReply: Bool) {
            switch claim.isRedelivered ? round : nil {
            case let round? where round < current: self = .inEarlierRound(round)
            case .some: self = .inThisRound
            case nil: self = owesReply ? .inThisRound : .first
            }
        }
    }

    /// - Parameters:
    ///   - record: the job that is stored under the claim's kind and reference.
    ///   - sighting: whether the claim's message was seen before.
    package init(_ claim: Claim, on record: JobRecord, message sighting: Sighting) {
        let isSame = record.fingerprint == claim.fingerprint || record.job.hasSameContent(as: claim.job)
        switch record.job.kind {
        case .recharge where !isSame:
            self = .conflict
            return
        case .recharge: break
        case .rechargeStatus, .panStatus:
            if case .inEarlierRound(let round) = sighting, let recipient = claim.recipient {
                self = .recall(for: recipient, after: round)
                return
            }
        }
        // A requeued job, and a message that was seen before, go on with the stored content.
        if !isSame, sighting == .first, let recipient = claim.recipient {
            self = Self.otherContent(claim, from: recipient, on: record)
        } else {
            self = Self.sameContent(claim, on: record, message: sighting)
        }
    }

    private static func sameContent(_ claim: Claim, on record: JobRecord, message sighting: Sighting) -> ClaimDecision {
        if record.progress.state.isFinal {
            guard let recipient = claim.recipient, sighting == .first, !claim.hasJoined, record.canBeReopened else { return .answer }
            return .reopen(for: recipient)
        }
        if record.progress.state.needsManualReview, !claim.isFromOperator {
            // A held job ends at its deadline, even without the operator.
            guard record.progress.state == .held, let deadline = record.progress.dueAt, deadline <= claim.now else { return .wait }
        }
        if let owner = record.owner { return claim.isLive(owner) ? .join(owner: owner) : .resume }
        return claim.mustWait(for: record) ? .wait : .resume
    }

    /// A question moves no money. A caller that asks again with other content corrects a mistake, or has another reason to ask.
    private static func otherContent(_ claim: Claim, from recipient: ReplyRecipient, on record: JobRecord) -> ClaimDecision {
        if record.progress.state.isFinal { return record.canBeReopened ? .reopen(for: recipient) : .answer }
        if let owner = record.owner, claim.isLive(owner) { return .waitForRun(owner: owner) }
        // A question that arrives after its deadline must not end the stored one.
        return claim.progress.state.isFinal ? .conflict : .replace
    }
}

extension JobRecord {
    /// The outcome of a recharge can change (a refund), so each question about it calls BOS again. A PAN application is followed until it has
    /// succeeded.
    fileprivate var canBeReopened: Bool {
        switch job.kind {
        case .recharge: false
        case .rechargeStatus: true
        case .panStatus: progress.state != .succeeded
        }
    }
}

extension Claim {
    /// Whether a job without an owner is not due yet.
    fileprivate func mustWait(for record: JobRecord) -> Bool {
        guard let dueAt = record.progress.dueAt, dueAt > now, !isFromOperator else { return false }
        if let limit = longestPauses?.limit(record.progress.state), dueAt - now > limit { return false }
        // The poller put the job back because it was due by the poller's clock, which may differ from this one. If the job has gone on
        // since, its due time has changed.
        return recipient != nil || dueWhenRequeued != dueAt
    }

    /// The entry for the stored job's history, if the decision has one.
    package func entry(for decision: ClaimDecision) -> HistoryEntry? {
        switch decision {
        case .reopen: entry
        case .resume: HistoryEntry(at: now, .resumed)
        case .replace: HistoryEntry(at: now, .resumed, detail: "asked with other content from now on")
        case .conflict: HistoryEntry(at: now, .conflict, detail: "the same reference came with other content and was refused")
        case .join, .waitForRun, .wait, .answer, .recall: nil
        }
    }
}
