import AMQP
import ExactJSON
import JobEngine
import JobModel
import Ledger

/// Checks the promises that can only be judged at the end of a scenario. The ``Audit`` checks those that must hold at every moment.
struct FinalChecks {
    let orders: [SimulatedUpstream.Order]
    let ledger: MemoryLedger
    let broker: ModelBroker
    let books: [String: ModelBOS.Account]
    let world: SimulatedWorld
    /// The references of held recharges that the operator has had sent.
    let sentByOperator: Set<String>

    /// A reply on the broker.
    private struct PublishedReply {
        var messageID: String
        var kind: String
        var correlationID: String
        var body: [UInt8]
        var json: JSONValue

        var isFinal: Bool { json["final"] == .bool(true) }
        var outcome: String { json["outcome"]?.text ?? "" }
        var isConflict: Bool { json["error"]?["code"]?.text == ReplyErrorCode.referenceConflict.rawValue }
    }

    /// Whether no work is left.
    var isAtRest: Bool {
        get async {
            guard let summary = try? await ledger.summary() else { return false }
            let owed = await owed
            let unfinished = summary.stored.reduce(0) { $0 + ($1.key.state.isFinal ? 0 : $1.value) }
            return broker.isQuiet && owed == 0 && unfinished == ledger.records.count { mayWait($0) }
        }
    }

    /// How many replies were never published. Replies that the broker always denies are not counted.
    private var owed: Int {
        get async {
            let replies = (try? await ledger.unpublishedReplies(after: nil, limit: .max).replies) ?? []
            return replies.count { $0.recipient.replyTo != ModelBroker.forbidden }
        }
    }

    /// Whether a job may stay unfinished after the fault phase.
    private func mayWait(_ record: JobRecord) -> Bool {
        // BOS always refuses the credentials of this merchant. Until another recharge succeeds, the worker cannot know that it refuses only
        // this merchant.
        record.progress.waitReason == .ownCredentialsRefused && world.conditions.refusesMerchant
    }

    /// - Returns: one sentence for each broken promise.
    func atTheEnd() async -> [String] {
        var violations: [String] = []
        if broker.longestHold > 60_000 { violations.append("a delivery was held for \(broker.longestHold) ms, longer than jobs.timeout") }
        if !broker.isQuiet { violations.append("the broker still has messages or unsettled deliveries although the fault phase is over") }
        let owed = await owed
        if owed > 0 { violations.append("\(owed) replies were never published") }
        violations += repeatedPurchases(((try? await ledger.jobs(.recharge, in: .succeeded, limit: .max)) ?? []))
        for state in JobState.allCases where !state.isFinal {
            for kind in JobKind.allCases {
                for record in (try? await ledger.jobs(kind, in: state, limit: .max)) ?? [] where !mayWait(record) {
                    violations.append(
                        "\(kind.rawValue) \(record.job.reference) is still \(state.rawValue) although the fault phase is over")
                }
            }
        }
        let replies = broker.replies.compactMap(Self.parsed)
        // The refusal of a conflict is not stored. When its message is delivered again the worker writes it again with other times.
        for (id, replies) in Dictionary(grouping: replies.filter { !$0.isConflict }, by: \.messageID)
        where Set(replies.map(\.body)).count > 1 {
            let replies = replies.map { "\($0.kind) to \($0.correlationID): \(String(decoding: $0.body, as: UTF8.self))" }
            violations.append("the replies with message_id \(id) differ:\n  \(replies.joined(separator: "\n  "))")
        }
        violations += await answers(replies)
        return violations
    }

    /// No purchase was repeated within the guard's window, except those that the operator had sent. Clock jumps make this impossible to judge.
    private func repeatedPurchases(_ recharges: [JobRecord]) -> [String] {
        guard let window = world.purchaseGuard?.window, world.faultRates.clockJump == 0 else { return [] }
        var violations: [String] = []
        for same in Dictionary(grouping: recharges, by: \.job.amount).values {
            let inOrder = same.sorted { $0.acceptedAt < $1.acceptedAt }
            for (earlier, later) in zip(inOrder, inOrder.dropFirst()) where !sentByOperator.contains(later.job.reference) {
                guard later.acceptedAt - (earlier.progress.completedAt ?? later.acceptedAt) <= window else { continue }
                violations.append("\(later.job.reference) bought what \(earlier.job.reference) had bought within the window")
            }
        }
        return violations
    }

    /// Every recipient of an accepted job got one final reply, and the reply agrees with what BOS did.
    private func answers(_ replies: [PublishedReply]) async -> [String] {
        var violations: [String] = []
        let byRecipient = Dictionary(grouping: replies.filter(\.isFinal)) { "\($0.kind) \($0.correlationID)" }
        for order in orders {
            guard let record = try? await ledger.job(order.kind, reference: order.reference)?.record else {
                violations.append("\(order.kind.rawValue) \(order.reference) was published, and is known to no ledger")
                continue
            }
            let name = order.kind == .rechargeStatus ? "q/\(order.correlationID)" : order.correlationID
            let finals = byRecipient["\(order.kind.rawValue).reply \(name)", default: []]
            let answers = Set(finals.filter { !$0.isConflict }.map(\.body))
            // The broker denies every reply to this recipient.
            if order.replyTo == ModelBroker.forbidden { continue }
            if record.job.amount.paise != order.paise {
                if finals.allSatisfy({ !$0.isConflict }) { violations.append("\(name) got no reply about the conflict") }
            } else if mayWait(record) {
                continue
            } else if answers.isEmpty || answers.count > mostAnswers(order) {
                violations.append("\(name) got \(answers.count) different final replies")
            }
            for reply in finals where !reply.isConflict { violations += disagreement(of: reply, with: order) }
        }
        return violations
    }

    /// How many different final replies a recipient may get.
    ///
    /// A recharge has one, however often it is published. Of the other kinds each message is a query with one reply, however often it is
    /// delivered. A message without `message_id` may be a new query with each delivery.
    private func mostAnswers(_ order: SimulatedUpstream.Order) -> Int {
        guard order.kind != .recharge else { return 1 }
        let messages = orders.filter { $0.kind == order.kind && $0.correlationID == order.correlationID }
        let again = broker.republished(order.kind == .rechargeStatus ? "q/\(order.correlationID)" : order.correlationID)
        return messages.allSatisfy { $0.messageID != nil } ? messages.count + again : .max
    }

    private func disagreement(of reply: PublishedReply, with order: SimulatedUpstream.Order) -> [String] {
        let isRight: Bool =
            switch order.kind {
            case .recharge: (books[order.reference]?.executed ?? 0) == (reply.outcome == "succeeded" ? 1 : 0)
            // Other outcomes were true when the reply was stored, and may have changed since. A failure is final.
            case .rechargeStatus: reply.outcome != "failed" || (books[order.reference]?.executed ?? 0) == 0
            case .panStatus:
                reply.outcome == "expired"
                    || (!PANDecision(order.reference).isEndless
                        && reply.outcome == (PANDecision(order.reference).isRejected ? "failed" : "succeeded"))
            }
        return isRight ? [] : ["\(order.kind.rawValue) \(order.reference) was answered \(reply.outcome), which is not what BOS did"]
    }

    private static func parsed(_ published: ModelBroker.PublishedMessage) -> PublishedReply? {
        guard let json = try? JSONValue.parse(published.message.body) else { return nil }
        let properties = published.message.properties
        return PublishedReply(
            messageID: properties.messageID ?? "", kind: properties.type ?? "", correlationID: properties.correlationID ?? "",
            body: published.message.body, json: json)
    }
}
