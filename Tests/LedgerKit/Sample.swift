package import JobModel
package import Ledger

/// Jobs, claims and updates to fill a ledger with.
package enum Sample {
    package static let start = Timestamp(milliseconds: 1_795_600_000_000)

    package static func moment(_ seconds: Int64) -> Timestamp { start + .seconds(seconds) }

    package static func job(_ kind: JobKind = .recharge, reference: String = "r-1", paise: Int64 = 10_50) -> Job {
        switch kind {
        case .recharge:
            .recharge(
                Recharge(
                    operatorID: 311, subscriber: "DL12CB4685", amount: Money(paise: paise), reference: reference, registerID: "1234",
                    expiresAt: moment(3_600)))
        case .rechargeStatus: .rechargeStatus(RechargeStatusQuery(reference: reference, registerID: "1234"))
        case .panStatus: .panStatus(PANStatusQuery(reference: reference, nepKey: "k", domain: "example.org"))
        }
    }

    package static func recipient(_ name: String = "c-1", replyTo: String? = "upstream") -> ReplyRecipient {
        ReplyRecipient(correlationID: name, replyTo: replyTo, traceparent: "00-\(name)")
    }

    /// Each field is set, so that the tests find a store that loses one.
    package static func progress(_ state: JobState, dueAt: Timestamp? = nil) -> Progress {
        var progress = Progress()
        progress.state = state
        progress.attempts = 2
        progress.enquiries = 3
        progress.doubt = state == .inDoubt ? .unanswered : nil
        progress.firstSentAt = moment(1)
        progress.aheadSince = moment(7)
        progress.notFoundWindow = .milliseconds(120_001)
        progress.sentTo = "https://bos.example as 1234"
        progress.bosReference = "000123"
        progress.notFoundAnswers = 4
        progress.firstNotFound = ClockReading(wallClock: moment(2), monotonic: BootTime(boot: "boot", milliseconds: 2))
        progress.resendings = 1
        progress.failures = 5
        progress.credentialRefusals = 6
        progress.dueAt = dueAt
        progress.waitReason = dueAt == nil ? nil : .throttled
        progress.answer = Answer(
            httpStatus: 200, responseCode: 0, status: false, message: "läuft \u{0} noch", operatorID: "00123456789012345678901234567890",
            acknowledgement: "ack")
        progress.evidence = .operator
        progress.reported = state == .inDoubt ? "in_doubt" : nil
        progress.completedAt = state.isFinal ? moment(9) : nil
        return progress
    }

    package static func verdict(_ state: JobState) -> Verdict {
        switch state {
        case .succeeded: Verdict(.succeeded, evidence: .answer, answer: progress(state).answer)
        case .failed: Verdict(.failed, evidence: .enquiry, code: .notExecuted, detail: "it was not executed")
        case .refused: Verdict(.refused, evidence: .none, code: .invalidJob, detail: "it is not valid")
        case .notFound: Verdict(.notFound, evidence: .enquiry)
        case .expired: Verdict(.expired, evidence: .none, code: .deadlinePassed, detail: "too late")
        case .pending, .answeredPending: Verdict(.pending, evidence: .answer)
        case .accepted, .sending, .inDoubt, .parked, .held: Verdict(.inDoubt, evidence: .none)
        }
    }

    package static func reply(_ job: Job, state: JobState, at now: Timestamp = moment(5)) -> Reply {
        Reply(to: job, verdict: verdict(state), progress: progress(state), acceptedAt: start, at: now)
    }

    /// - Parameter live: the runs that still work. All other owners are gone.
    package static func claim(
        _ job: Job = job(), recipient: ReplyRecipient? = recipient(), owner: String = "run-1", live: Set<String> = [],
        now: Timestamp = start,
        state: JobState = .sending
    ) -> Claim {
        Claim(
            job: job, fingerprint: job.fingerprint, recipient: recipient, owner: owner, isLive: { live.contains($0) }, now: now,
            progress: state.isFinal ? progress(state) : fresh(state),
            reply: state.isFinal ? reply(job, state: state, at: now) : nil, entry: HistoryEntry(at: now, .accepted, detail: "first"))
    }

    /// An update by the run "run-1" that gives up ownership.
    package static func update(
        _ id: Int64, to state: JobState, reply: Reply? = nil, dueAt: Timestamp? = nil, at now: Timestamp = moment(3),
        event: HistoryEntry.Event = .waiting
    ) -> Update {
        Update(
            jobID: id, owner: "run-1", progress: progress(state, dueAt: dueAt), reply: reply, keepsOwnership: false,
            entry: HistoryEntry(at: now, event, detail: "\(state.rawValue)"))
    }

    private static func fresh(_ state: JobState) -> Progress {
        var progress = Progress()
        progress.state = state
        progress.attempts = 1
        progress.firstSentAt = start
        return progress
    }
}

extension Claim {
    /// The same claim, made for a message with this `message_id`.
    /// - Parameter isRedelivered: whether the broker has delivered the message before.
    package func delivered(as messageID: String?, again isRedelivered: Bool = false) -> Claim {
        var claim = self
        (claim.messageID, claim.isRedelivered) = (messageID, isRedelivered)
        return claim
    }
}

extension Update {
    /// The same update, made by this run.
    package func by(_ owner: String) -> Update {
        var update = self
        update.owner = owner
        return update
    }

    /// The same update; the run goes on with the job.
    package func keepingOwnership(if keeps: Bool = true) -> Update {
        var update = self
        update.keepsOwnership = keeps
        return update
    }
}

extension ClaimResult {
    /// The record that the claim's run works on; `nil` if the claim did not get the job.
    package var record: JobRecord? {
        switch self {
        case .new(let record, _), .resumed(let record): record
        case .joined, .waiting, .answered, .conflict, .repeats, .unknown: nil
        }
    }

    package var replies: [OutgoingReply] {
        switch self {
        case .new(_, let replies), .joined(_, _, let replies), .waiting(let replies), .answered(let replies): replies
        case .resumed, .conflict, .repeats, .unknown: []
        }
    }
}

extension UpdateResult {
    /// The stored replies; `nil` if the update was lost.
    package var replies: [OutgoingReply]? {
        switch self {
        case .stored(let replies): replies
        case .lost: nil
        }
    }
}
