import JobModel

/// Sample jobs, answers and rules for the tests of this target.
enum Jobs {
    static let start = Timestamp(milliseconds: 1_795_251_600_000)

    static var rules: JobRules {
        var rules = JobRules()
        rules.registerID = "configured"
        return rules
    }

    /// With the assurance of BOS that "not found" is proof.
    static var policy: RetryPolicy {
        var policy = RetryPolicy()
        policy.notFound.meaning = .believe
        policy.destination = "https://bos.example/DoRecharge (auth none)"
        return policy
    }

    /// The enquiry was seen to find a recharge and to show its data.
    static let calibrated = Calibration.passed(showsData: true, hasOwnNumbers: false)

    /// The enquiry was seen to find a recharge without showing its data.
    static let plain = Calibration.passed(showsData: false, hasOwnNumbers: false)

    /// What the answer to an enquiry names if it is about ``recharge``.
    static let subject = Subject(reference: recharge.reference, subscriber: recharge.subscriber, amount: "10.00", hasData: true)

    static let recharge = Recharge(
        operatorID: 311, subscriber: "DL12CB4685", amount: Money(paise: 1_000), reference: "1234435687678", registerID: "1234")

    static let answer = Answer(
        httpStatus: 200, responseCode: 1, status: true, message: "Recharge for Aircel of Amount 50 is successful",
        operatorID: "1111122233", acknowledgement: "11224445565")

    static func incoming(_ body: String, type: String? = nil, routingKey: String = "") -> IncomingJob {
        IncomingJob(body: Array(body.utf8), type: type, routingKey: routingKey, correlationID: "c-1")
    }
}

/// A copy of a ``Step``, which itself can be consumed only once.
enum SeenStep: Equatable {
    case send(RetryPermit.Proof)
    case query
    case wait(WaitReason)
    case park
    case finish(Verdict)
    case nothing

    init(_ step: consuming Step) {
        switch consume step {
        case .send(let permit): self = .send(permit.proof)
        case .query: self = .query
        case .wait(let reason): self = .wait(reason)
        case .park: self = .park
        case .finish(let verdict): self = .finish(verdict)
        case .nothing: self = .nothing
        }
    }

    /// The step as text. A verdict is shown by its outcome, code and evidence.
    var summary: String {
        switch self {
        case .send(let proof): "send \(proof.rawValue)"
        case .query: "query"
        case .wait(let reason): "wait \(reason.rawValue)"
        case .park: "park"
        case .finish(let verdict):
            "finish \(verdict.outcome.rawValue) \(verdict.failure?.code.rawValue ?? "-") \(verdict.evidence.rawValue)"
        case .nothing: "nothing"
        }
    }
}

extension ClockReading {
    /// A moment at which both clocks show the same time.
    static func monotonic(_ wallClock: Timestamp) -> ClockReading {
        ClockReading(wallClock: wallClock, monotonic: BootTime(boot: "test", milliseconds: wallClock.milliseconds))
    }
}

extension RechargeMachine.Event {
    static func enquired(
        _ finding: RechargeMachine.Finding, answer: Answer, subject: Subject = Subject(), calibration: Calibration = .untried
    ) -> Self {
        .enquired(EnquiryReport(finding, answer: answer, subject: subject, calibration: calibration))
    }
}

extension RechargeStatusMachine.Event {
    static func found(
        _ finding: RechargeMachine.Finding, answer: Answer, subject: Subject = Subject(), calibration: Calibration = .untried,
        known: KnownRecharge? = nil
    ) -> Self {
        .found(EnquiryReport(finding, answer: answer, subject: subject, calibration: calibration), known: known)
    }
}

extension JobMachine {
    mutating func wake(at now: Timestamp, jitter: Double) -> Step { wake(at: .monotonic(now), jitter: jitter) }
    mutating func on(_ event: Event, at now: Timestamp, jitter: Double) -> Step { on(event, at: .monotonic(now), jitter: jitter) }
}
