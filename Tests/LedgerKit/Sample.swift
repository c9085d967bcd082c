package import JobModel
package import Ledger

/// Jobs, claims and updates to fill a ledger with.
package enum Sample {
    package static let start = Timestamp(milliseconds: 1_795_600_000_000)

    package static func moment(_ seconds: Int64) -> Timestamp { start + .seconds(seconds) }

    package static func job(_ kind: JobKind = .recharge, _ reference: String = "r-1", paise: Int64 = 10_50) -> Job {
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

    package static func asker(_ name: String = "c-1", _ replyTo: String? = "upstream") -> Asker {
        Asker(correlationID: name, replyTo: replyTo, traceparent: "00-\(name)")
    }

    /// Every field set, so that a store that forgets one is found out.
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
        progress.firstNotFound = Moment(civil: moment(2), steady: SteadyTime(boot: "boot", milliseconds: 2))
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

    package static func reply(_ job: Job, _ state: JobState, at now: Timestamp = moment(5)) -> Reply {
        Reply(to: job, verdict: verdict(state), progress: progress(state), acceptedAt: start, at: now)
    }

    /// - Parameter live: the runs that go on; every other owner is gone.
    package static func claim(
        _ job: Job = job(), asker: Asker? = asker(), owner: String = "run-1", live: Set<String> = [], now: Timestamp = start,
        state: JobState = .sending, message: String? = nil, isRedelivered: Bool = false
    ) -> Claim {
        var claim = Claim(
            job: job, fingerprint: job.fingerprint, asker: asker, owner: owner, isLive: { live.contains($0) }, now: now,
            progress: state.isFinal ? progress(state) : fresh(state),
            reply: state.isFinal ? reply(job, state, at: now) : nil, entry: HistoryEntry(at: now, .accepted, "first"))
        (claim.messageID, claim.isRedelivered) = (message, isRedelivered)
        return claim
    }

    package static func update(
        _ id: Int64, owner: String = "run-1", to state: JobState, reply: Reply? = nil, keeps: Bool = false,
        dueAt: Timestamp? = nil, at now: Timestamp = moment(3), event: HistoryEntry.Event = .told
    ) -> Update {
        Update(
            jobID: id, owner: owner, progress: progress(state, dueAt: dueAt), reply: reply, keepsOwnership: keeps,
            entry: HistoryEntry(at: now, event, "\(state.rawValue)"))
    }

    private static func fresh(_ state: JobState) -> Progress {
        var progress = Progress()
        progress.state = state
        progress.attempts = 1
        progress.firstSentAt = start
        return progress
    }
}

extension ClaimResult {
    /// The record, if the claimer is to work on the job or would be.
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
    /// What was stored for the askers; `nil` if the job was lost.
    package var replies: [OutgoingReply]? {
        switch self {
        case .stored(let replies): replies
        case .lost: nil
        }
    }
}
