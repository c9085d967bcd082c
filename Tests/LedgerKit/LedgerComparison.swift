import JobModel
package import Ledger
import Testing

/// Performs the same random operations on two stores, and expects equal results after each step.
package struct LedgerComparison: Sendable {
    private let store: any Ledger
    private let reference: any Ledger

    /// Two stores that are empty.
    package init(_ store: any Ledger, with reference: any Ledger) {
        self.store = store
        self.reference = reference
    }

    private enum Step: Sendable {
        case claim(Claim)
        case update(Update)
        case publish([Int64])
        case read(JobKind, String)
        case unpublished(after: Int64?, limit: Int)
        case lastUnpublished
        case summary
        case lastExecuted
        case sentElsewhere
        case codes
    }

    /// - Parameter seed: the same seed makes the same steps.
    package func run(seed: UInt64, steps: Int) async throws {
        var random = SeededGenerator(seed: seed)
        for number in 0..<steps {
            let step = Self.step(number, using: &random)
            let (one, other) = (try await perform(step, on: store), try await perform(step, on: reference))
            try #require(one == other, "seed \(seed), step \(number): \(step)")
        }
    }

    /// The result as text. The text of each value that a store returns contains the whole value.
    private func perform(_ step: Step, on ledger: any Ledger) async throws -> String {
        switch step {
        case .claim(let claim): "\(try await ledger.claim(claim))"
        case .update(let update): "\(try await ledger.update(update))"
        case .publish(let ids): "\(try await ledger.markPublished(ids))"
        case .read(let kind, let reference): "\(String(describing: try await ledger.job(kind, reference: reference)))"
        case .unpublished(let id, let limit): "\(try await ledger.unpublishedReplies(after: id, limit: limit))"
        case .lastUnpublished: "\(String(describing: try await ledger.lastUnpublishedReply()))"
        case .lastExecuted: "\(String(describing: try await ledger.lastExecuted(sentTo: "a")))"
        case .sentElsewhere: "\(try await ledger.doubtsSentElsewhere(than: "a"))"
        case .codes: "\(try await ledger.codes())"
        case .summary: try await Self.text(ledger.summary())
        }
    }

    private static func text(_ summary: LedgerSummary) -> String {
        let stored = summary.stored.map { "\($0.key.kind) \($0.key.state) \($0.value)" }.sorted()
        return "\(stored) \(String(describing: summary.oldestDoubt)) \(summary.doubtAmount) "
            + "\(String(describing: summary.oldestDue)) \(summary.unpublishedReplies)"
    }

    private static func step(_ number: Int, using random: inout SeededGenerator) -> Step {
        let now = Sample.moment(Int64(number) + Int64.random(in: -3...3, using: &random))
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<40: return .claim(claim(at: now, using: &random))
        case 40..<75: return .update(update(at: now, using: &random))
        case 75..<80: return .publish((0..<3).map { _ in Int64.random(in: 0...60, using: &random) })
        case 80..<83: return [.lastExecuted, .sentElsewhere, .codes].randomElement(using: &random) ?? .codes
        case 83..<92: return .read(JobKind.allCases.randomElement(using: &random) ?? .recharge, reference(&random))
        case 92..<96: return .unpublished(after: Int64.random(in: 0...40, using: &random), limit: 20)
        case 96..<98: return .lastUnpublished
        default: return .summary
        }
    }

    private static func reference(_ random: inout SeededGenerator) -> String { "r-\(Int.random(in: 0..<6, using: &random))" }

    private static func owner(_ random: inout SeededGenerator) -> String { "run-\(Int.random(in: 0..<2, using: &random))" }

    private static func claim(at now: Timestamp, using random: inout SeededGenerator) -> Claim {
        let kind = JobKind.allCases.randomElement(using: &random) ?? .recharge
        let paise: Int64 = Int.random(in: 0..<8, using: &random) == 0 ? 20_00 : 10_00
        let recipient = Sample.recipient(
            "c-\(Int.random(in: 0..<3, using: &random))", replyTo: Bool.random(using: &random) ? "upstream" : nil)
        let state: JobState = Int.random(in: 0..<4, using: &random) == 0 ? .expired : .accepted
        let message = [nil, "m-1", "m-2", "m-3"].randomElement(using: &random) ?? nil
        return Sample.claim(
            Sample.job(kind, reference: reference(&random), paise: paise), recipient: recipient, owner: owner(&random),
            live: Bool.random(using: &random) ? [owner(&random)] : [], now: now, state: state
        ).delivered(as: message, again: Bool.random(using: &random))
    }

    private static func update(at now: Timestamp, using random: inout SeededGenerator) -> Update {
        let state = JobState.allCases.randomElement(using: &random) ?? .accepted
        let job = Sample.job(.recharge, reference: reference(&random))
        var update = Sample.update(
            Int64.random(in: 0...19, using: &random), to: state,
            reply: Bool.random(using: &random) ? Sample.reply(job, state: state, at: now) : nil,
            dueAt: Bool.random(using: &random) ? now + .seconds(Int64.random(in: -5...20, using: &random)) : nil, at: now,
            event: HistoryEntry.Event.allCases.randomElement(using: &random) ?? .waiting
        ).by(owner(&random)).keepingOwnership(if: Bool.random(using: &random))
        update.progress.sentTo = ["a", "b", nil].randomElement(using: &random) ?? nil
        if Bool.random(using: &random) { update.progress.enquiries = 0 }
        if Bool.random(using: &random) { update.sightings = [sighting(&random)] }
        return update
    }

    private static func sighting(_ random: inout SeededGenerator) -> CodeSighting {
        let endpoint = CodeSighting.Endpoint.allCases.randomElement(using: &random) ?? .recharge
        let name = CodeSighting.Name(
            endpoint, httpStatus: Bool.random(using: &random) ? 200 : 401, responseCode: [nil, -1, 5].randomElement(using: &random) ?? nil,
            status: [nil, true, false].randomElement(using: &random) ?? nil)
        return CodeSighting(
            name, message: "m-\(Int.random(in: 0..<4, using: &random))",
            afterwards: Bool.random(using: &random) ? Outcome.allCases.randomElement(using: &random) : nil)
    }
}
