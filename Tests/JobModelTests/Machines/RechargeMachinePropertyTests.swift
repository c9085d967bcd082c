import JobModel
import Testing

@Suite("No recharge is executed twice", .timeLimit(.minutes(2)))
struct RechargeMachinePropertyTests {
    /// Decides from the events alone, without the machine's progress, whether the recharge may be sent.
    private struct Witness {
        var mayBeExecuted = false
        var isKnownToBOS = false
        var notFound: [Timestamp] = []
        var isFinal = false
        var sendings = 0

        mutating func allows(sendingAt now: Timestamp) -> Bool {
            defer {
                mayBeExecuted = true
                notFound = []
                sendings += 1
            }
            if isFinal || isKnownToBOS { return false }
            guard mayBeExecuted else { return true }
            guard let first = notFound.first, let last = notFound.last else { return false }
            return notFound.count >= 3 && last - first >= .seconds(120)
        }

        /// - Parameter isAnswer: whether the last step was a sending, so that the event reports its result.
        mutating func hear(_ event: RechargeMachine.Event, isAnswer: Bool, at now: Timestamp) {
            switch event {
            case .notTaken: if isAnswer { mayBeExecuted = false }
            case .answered(_, _, bosReference: "r-2"): break
            case .answered: isKnownToBOS = true
            case .enquired(let report):
                switch report.finding {
                case .succeeded, .failed, .pending: isKnownToBOS = true
                case .notFound: notFound.append(now)
                case .declined: break
                }
            case .unknown, .enquiryUnanswered, .enquiryDeferred: break
            }
        }
    }

    @Test("no sequence of events leads to a second sending without proof that the first was not executed", arguments: UInt64(0)..<8)
    func sequences(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var sendings = 0
        for _ in 0..<2_000 { sendings += try live(&random) }
        // Each life sends once, and some send again. With fewer sendings the generator would no longer reach resendings.
        #expect(sendings > 2_500)
    }

    /// Runs one random recharge and returns how often it was sent.
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
            if case .finish = step { witness.isFinal = true }
            if witness.isFinal { try #require(step == .nothing || machine.progress.completedAt != nil) }
            now = now + .seconds(Int64.random(in: 0...70, using: &random))
            let jitter = Double.random(in: 0..<1, using: &random)
            if Int.random(in: 0..<8, using: &random) == 0 {
                // The process dies here, and another one continues from the stored progress.
                machine = RechargeMachine(recharge, acceptedAt: Jobs.start, progress: machine.progress, policy: Jobs.policy)
                step = SeenStep(machine.wake(at: now, jitter: jitter))
            } else if case .wait = step, Bool.random(using: &random) {
                step = SeenStep(machine.wake(at: now, jitter: jitter))
            } else {
                let event =
                    isPatient ? Self.patient(after: step, using: &random) : RechargeMachineTests.events.randomElement(using: &random)?.event
                guard let event else { break }
                var isAnswer = false
                if case .send = step { isAnswer = true }
                witness.hear(event, isAnswer: isAnswer, at: now)
                step = SeenStep(machine.on(event, at: now, jitter: jitter))
            }
        }
        return witness.sendings
    }

    /// Events that mostly keep a recharge in doubt and unknown to BOS, so that many runs reach a resending.
    private static func patient(after step: SeenStep, using random: inout SeededGenerator) -> RechargeMachine.Event? {
        if case .send = step { return [.unknown(nil), .unknown(nil), .notTaken(.notSent)].randomElement(using: &random) }
        let findings: [RechargeMachine.Event] = [
            DoubtTests.notFound, DoubtTests.notFound, DoubtTests.notFound,
            .enquiryUnanswered(.unanswered, retryAfter: nil),
            .notTaken(.notSent), .unknown(nil), .enquired(.declined, answer: Jobs.answer),
            Int.random(in: 0..<4, using: &random) == 0 ? .enquired(.pending, answer: Jobs.answer) : DoubtTests.notFound,
        ]
        return findings.randomElement(using: &random)
    }
}
