import JobModel
import Testing

@Suite("The life of a recharge", .timeLimit(.minutes(1)))
struct RechargeMachineTests {
    typealias Event = RechargeMachine.Event

    /// A machine that stands where these words say: a state, and for a doubt its cause.
    static func machine(_ state: JobState, _ doubt: DoubtCause? = nil, _ change: (inout Progress) -> Void = { _ in }) -> RechargeMachine {
        var progress = Progress()
        progress.state = state
        progress.doubt = doubt
        progress.attempts = state == .accepted ? 0 : 1
        progress.firstSentAt = state == .accepted ? nil : Jobs.start
        progress.sentTo = state == .accepted ? nil : Jobs.policy.destination
        change(&progress)
        return RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, progress, policy: Jobs.policy)
    }

    /// Every event that a call can report, by a name for the tables.
    static let events: [(name: String, event: Event)] = [
        ("not sent", .notTaken(.notSent)), ("throttled", .notTaken(.throttled(retryAfter: .seconds(7)))),
        ("credentials refused", .notTaken(.credentialsRefused)),
        ("own credentials refused", .notTaken(.ownCredentialsRefused(takesOthers: true))),
        ("postponed", .notTaken(.postponed)), ("late", .notTaken(.heldBack(.late, retryAfter: nil))), ("unknown", .unknown(nil)),
        ("unknown, pause asked for", .unknown(nil, retryAfter: .seconds(9))),
        ("overloaded", .unknown(Answer(httpStatus: 503))), ("another's answer", .answered(.done, Jobs.answer, bosReference: "r-2")),
        ("done, BOS's number", .answered(.done, Jobs.answer, bosReference: "774411")), ("done", .answered(.done, Jobs.answer)),
        ("taken", .answered(.accepted, Jobs.answer)), ("duplicate", .answered(.duplicateReference, Jobs.answer)),
        ("refused", .answered(.refused(isFinal: false), Jobs.answer)),
        ("refused for good", .answered(.refused(isFinal: true), Jobs.answer)),
        ("found done", .enquired(.succeeded, Jobs.answer, Subject(), Jobs.plain)),
        ("found failed", .enquired(.failed(refunded: false), Jobs.answer, Subject(), Jobs.plain)),
        ("found refunded", .enquired(.failed(refunded: true), Jobs.answer, Subject(), Jobs.plain)),
        ("found pending", .enquired(.pending, Jobs.answer)),
        ("not found", .enquired(.notFound, Jobs.answer)), ("declined", .enquired(.declined, Jobs.answer)),
        ("no answer", .enquiryUnanswered(.unanswered, retryAfter: nil)),
        ("no credentials", .enquiryUnanswered(.credentialsRefused, retryAfter: .seconds(9))),
        ("not asked", .enquiryHeldBack(.throttled, retryAfter: .seconds(9))),
    ]

    /// What follows each event where it belongs: the step, and where the recharge stands then.
    static let sending: [String: (step: String, state: String)] = [
        "not sent": ("wait not_sent", "accepted -"), "throttled": ("wait throttled", "accepted -"),
        "credentials refused": ("wait credentials_refused", "accepted -"),
        "own credentials refused": ("wait own_credentials_refused", "accepted -"), "postponed": ("wait postponed", "accepted -"),
        "late": ("wait late", "accepted -"), "unknown": ("ask", "in_doubt unanswered"),
        "unknown, pause asked for": ("wait doubt", "in_doubt unanswered"), "overloaded": ("wait doubt", "in_doubt unanswered"),
        "another's answer": ("ask", "in_doubt unanswered"), "done, BOS's number": ("finish succeeded - answer", "succeeded -"),
        "done": ("finish succeeded - answer", "succeeded -"), "taken": ("wait doubt", "in_doubt accepted_by_bos"),
        "duplicate": ("ask", "in_doubt duplicate"), "refused": ("ask", "in_doubt refused"),
        "refused for good": ("finish failed refused_by_bos answer", "failed -"),
    ]

    static func doubting(_ cause: DoubtCause) -> [String: (step: String, state: String)] {
        let same = "in_doubt \(cause.rawValue)"
        // Of a reference that BOS had before it was sent for the first time, an answer that names no subscriber settles nothing.
        let isOpen = cause == .duplicate
        let (done, failed) =
            isOpen
            ? (("park", "parked duplicate"), ("park", "parked duplicate"))
            : (("finish succeeded - enquiry", "succeeded -"), ("finish failed refused_by_bos enquiry", "failed -"))
        return [
            "found done": done, "found failed": failed, "found refunded": failed,
            "found pending": ("wait doubt", isOpen ? same : "in_doubt accepted_by_bos"), "not found": ("wait doubt", same),
            "declined": ("wait doubt", same), "no answer": ("wait doubt", same), "not asked": ("wait doubt", same),
            "no credentials": ("wait credentials_refused", same),
        ]
    }

    static func standing(_ machine: RechargeMachine) -> String {
        "\(machine.progress.state.rawValue) \(machine.progress.doubt?.rawValue ?? "-")"
    }

    @Test("every event where it belongs leads to its one step")
    func transitions() {
        let tables = [(JobState.sending, DoubtCause?.none, Self.sending)] + DoubtCause.allCases.map { (.inDoubt, $0, Self.doubting($0)) }
        for (state, doubt, table) in tables {
            for (name, event) in Self.events {
                guard let expected = table[name] else { continue }
                var machine = Self.machine(state, doubt)
                let step = SeenStep(machine.on(event, at: Jobs.start, jitter: 0.5))
                #expect(step.summary == expected.step, "\(state) \(String(describing: doubt)), \(name)")
                #expect(Self.standing(machine) == expected.state, "\(state) \(String(describing: doubt)), \(name)")
            }
        }
        #expect(Self.sending.count + Self.doubting(.unanswered).count == Self.events.count)
    }

    @Test("a refusal that the enquiry repeats speaks of the caller: it settles nothing, whatever its code", arguments: [7, 17])
    func declined(code: Int) {
        let refusal = Answer(httpStatus: 200, responseCode: 7, status: false, message: "Something went wrong")
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        _ = machine.wake(at: Jobs.start, jitter: 0)
        #expect(SeenStep(machine.on(.answered(.refused(isFinal: false), refusal), at: Jobs.start, jitter: 0)) == .ask)
        var answer = refusal
        answer.responseCode = code
        #expect(SeenStep(machine.on(.enquired(.declined, answer, Subject(), Jobs.calibrated), at: Jobs.start, jitter: 0)) == .wait(.doubt))
        #expect(machine.progress.doubt == .refused)
        #expect(!machine.remark.isEmpty)
    }

    @Test("an event where it does not belong leads to a question, and what BOS has said is kept")
    func outOfPlace() {
        let saysThatItIsKnown: Set = [
            "another's answer", "done, BOS's number", "done", "taken", "duplicate", "refused", "refused for good", "found done",
            "found failed", "found refunded", "found pending",
        ]
        let standings: [(JobState, DoubtCause?)] = [(.accepted, nil), (.sending, nil)] + DoubtCause.allCases.map { (.inDoubt, $0) }
        for (name, event) in Self.events {
            for (state, doubt) in standings {
                let belongs = state == .sending ? Self.sending[name] != nil : state == .inDoubt && Self.doubting(.unanswered)[name] != nil
                if belongs { continue }
                var machine = Self.machine(state, doubt)
                #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0.5)) == .ask, "\(state), \(name)")
                #expect(machine.progress.state == .inDoubt)
                #expect(
                    machine.progress.doubt == (saysThatItIsKnown.contains(name) ? .acceptedByBOS : doubt ?? .unanswered),
                    "\(state), \(name)")
            }
        }
    }

    @Test("taken up, each state goes on in its one way")
    func waking() {
        let expected: [(JobState, DoubtCause?, SeenStep, String)] = [
            (.accepted, nil, .send(.neverTaken), "sending -"), (.accepted, .duplicate, .ask, "in_doubt unanswered"),
            (.sending, nil, .ask, "in_doubt unanswered"), (.inDoubt, .unanswered, .ask, "in_doubt unanswered"),
            (.inDoubt, .acceptedByBOS, .ask, "in_doubt accepted_by_bos"), (.inDoubt, .duplicate, .ask, "in_doubt duplicate"),
            (.inDoubt, .refused, .ask, "in_doubt refused"),
        ]
        for (state, doubt, step, standing) in expected {
            var machine = Self.machine(state, doubt) { $0.dueAt = Jobs.start }
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == step)
            #expect(Self.standing(machine) == standing)
            #expect(machine.progress.dueAt == nil)
        }
    }

    @Test("a recharge that is over does nothing, whatever happens", arguments: JobState.allCases.filter(\.isFinal))
    func over(state: JobState) {
        for (_, event) in Self.events {
            var machine = Self.machine(state)
            let before = machine.progress
            #expect(SeenStep(machine.on(event, at: Jobs.start, jitter: 0)) == .nothing)
            #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .nothing)
            #expect(machine.setAside() == nil)
            #expect(machine.progress == before)
        }
    }

    @Test("the intent to send is in the progress before the step is taken")
    func intent() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        #expect(SeenStep(machine.wake(at: Jobs.start, jitter: 0)) == .send(.neverTaken))
        #expect(machine.progress.state == .sending)
        #expect(machine.progress.attempts == 1)
        #expect(machine.progress.firstSentAt == Jobs.start)
    }

    @Test("backoff doubles from failure to failure, at most to its maximum, and no sooner than BOS asks for")
    func backoff() {
        var machine = RechargeMachine(Jobs.recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        for expected in [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000] {
            _ = machine.wake(at: Jobs.start, jitter: 0)
            #expect(SeenStep(machine.on(.notTaken(.notSent), at: Jobs.start, jitter: 0.5)) == .wait(.notSent))
            #expect(machine.progress.dueAt == Jobs.start + .milliseconds(expected / 2))
            #expect(machine.progress.firstSentAt == nil)
        }
        _ = machine.wake(at: Jobs.start, jitter: 0)
        _ = machine.on(.notTaken(.throttled(retryAfter: .seconds(77))), at: Jobs.start, jitter: 0.5)
        #expect(machine.progress.dueAt == Jobs.start + .seconds(77))
        #expect(machine.progress.attempts == 11)
    }

    @Test("nothing is sent after the deadline, but a question is still asked")
    func deadline() {
        var recharge = Jobs.recharge
        recharge.expiresAt = Jobs.start
        var inTime = RechargeMachine(recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        #expect(SeenStep(inTime.wake(at: Jobs.start, jitter: 0)) == .send(.neverTaken))
        var late = RechargeMachine(recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        #expect(SeenStep(late.wake(at: Jobs.start + .milliseconds(1), jitter: 0)).summary == "finish expired deadline_passed none")
        #expect(late.progress.state == .expired)
        #expect(late.progress.completedAt == Jobs.start + .milliseconds(1))
        #expect(SeenStep(inTime.wake(at: Jobs.start + .seconds(9), jitter: 0)) == .ask)
    }

    @Test("an interim reply is told once for a doubt, with what is known of it")
    func settingAside() {
        var machine = Self.machine(.sending)
        #expect(machine.setAside() == nil)
        _ = machine.on(.unknown(nil), at: Jobs.start, jitter: 0)
        #expect(machine.setAside() == Verdict(.inDoubt, evidence: .none))
        #expect(machine.setAside() == nil)
        var taken = Self.machine(.sending)
        _ = taken.on(.answered(.accepted, Jobs.answer), at: Jobs.start, jitter: 0)
        #expect(taken.setAside() == Verdict(.inDoubt, evidence: .answer, answer: Jobs.answer))
        var waiting = Self.machine(.sending)
        _ = waiting.on(.notTaken(.notSent), at: Jobs.start, jitter: 0)
        #expect(waiting.setAside() == nil)
    }
}
