import JobModel
import Testing

@Suite("No recharge is executed twice", .timeLimit(.minutes(2)))
struct RechargeMachinePropertyTests {
    /// Knows, from what it has seen and without the machine's progress, whether a recharge may be sent.
    private struct Witness {
        var mayBeExecuted = false
        var isKnownToBOS = false
        var notFound: [Timestamp] = []
        var isOver = false
        var sendings = 0

        mutating func allows(sendingAt now: Timestamp) -> Bool {
            defer {
                mayBeExecuted = true
                notFound = []
                sendings += 1
            }
            if isOver || isKnownToBOS { return false }
            guard mayBeExecuted else { return true }
            guard let first = notFound.first, let last = notFound.last else { return false }
            return notFound.count >= 3 && last - first >= .seconds(120)
        }

        /// - Parameter isAnswer: whether the event reports what became of the sending that was the last step.
        mutating func hear(_ event: RechargeMachine.Event, isAnswer: Bool, at now: Timestamp) {
            switch event {
            case .notTaken: if isAnswer { mayBeExecuted = false }
            case .answered(_, _, bosReference: "r-2"): break
            case .answered, .enquired(.succeeded, _, _, _), .enquired(.failed, _, _, _), .enquired(.pending, _, _, _): isKnownToBOS = true
            case .enquired(.notFound, _, _, _): notFound.append(now)
            case .unknown, .enquired(.declined, _, _, _), .enquiryUnanswered, .enquiryHeldBack: break
            }
        }
    }

    @Test("from no sequence of events is it sent again without proof that it was not done", arguments: UInt64(0)..<8)
    func sequences(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var sendings = 0
        for _ in 0..<2_000 { sendings += try live(&random) }
        // Else the generator has stopped reaching what this is about: each life sends once, and some again.
        #expect(sendings > 2_500)
    }

    /// One life of a random recharge; returns how often it was sent.
    private func live(_ random: inout SeededGenerator) throws -> Int {
        var recharge = Jobs.recharge
        if Int.random(in: 0..<5, using: &random) == 0 {
            recharge.expiresAt = Jobs.start + .seconds(Int64.random(in: 0...600, using: &random))
        }
        let isPatient = Bool.random(using: &random)
        var machine = RechargeMachine(recharge, acceptedAt: Jobs.start, policy: Jobs.policy)
        var witness = Witness()
        var now = Jobs.start
        var step = SeenStep(machine.wake(at: now, jitter: 0.5))
        for _ in 0..<40 {
            if case .send = step {
                let isAllowed = witness.allows(sendingAt: now)
                try #require(isAllowed, "sent without proof")
            }
            if case .finish = step { witness.isOver = true }
            if witness.isOver { try #require(step == .nothing || machine.progress.completedAt != nil) }
            now = now + .seconds(Int64.random(in: 0...70, using: &random))
            let jitter = Double.random(in: 0..<1, using: &random)
            if Int.random(in: 0..<8, using: &random) == 0 {
                // The process dies here and another goes on with what was stored.
                machine = RechargeMachine(recharge, acceptedAt: Jobs.start, machine.progress, policy: Jobs.policy)
                step = SeenStep(machine.wake(at: now, jitter: jitter))
            } else if case .wait = step, Bool.random(using: &random) {
                step = SeenStep(machine.wake(at: now, jitter: jitter))
            } else {
                let event = isPatient ? Self.patient(step, &random) : RechargeMachineTests.events.randomElement(using: &random)?.event
                guard let event else { break }
                var isAnswer = false
                if case .send = step { isAnswer = true }
                witness.hear(event, isAnswer: isAnswer, at: now)
                step = SeenStep(machine.on(event, at: now, jitter: jitter))
            }
        }
        return witness.sendings
    }

    /// Events that keep a recharge in doubt and unknown to BOS, so that settling is reached often.
    private static func patient(_ step: SeenStep, _ random: inout SeededGenerator) -> RechargeMachine.Event? {
        if case .send = step { return [.unknown(nil), .unknown(nil), .notTaken(.notSent)].randomElement(using: &random) }
        let findings: [RechargeMachine.Event] = [
            SettlingTests.notFound, SettlingTests.notFound, SettlingTests.notFound,
            .enquiryUnanswered(.unanswered, retryAfter: nil),
            .notTaken(.notSent), .unknown(nil), .enquired(.declined, Jobs.answer),
            Int.random(in: 0..<4, using: &random) == 0 ? .enquired(.pending, Jobs.answer) : SettlingTests.notFound,
        ]
        return findings.randomElement(using: &random)
    }
}
