import AMQP
import ExactJSON
import JobEngine
import JobModel
import Ledger

/// The promises that can only be judged at the end, held against what really happened; those of every moment are the ``Audit``'s.
struct Checks {
    let orders: [Upstream.Order]
    let ledger: MemoryLedger
    let broker: ModelBroker
    let books: [String: ModelBOS.Account]
    let world: World
    /// References that were held back until a person had them sent.
    let sentByPerson: Set<String>

    private struct Told {
        var messageID: String
        var kind: String
        var correlationID: String
        var body: [UInt8]
        var json: JSONValue

        var isFinal: Bool { json["final"] == .bool(true) }
        var outcome: String { json["outcome"]?.text ?? "" }
        var isConflict: Bool { json["error"]?["code"]?.text == ReplyErrorCode.referenceConflict.rawValue }
    }

    /// Whether nothing is left to be done.
    var isSettled: Bool {
        get async {
            guard let summary = try? await ledger.summary() else { return false }
            let owed = await owed
            let unfinished = summary.stored.reduce(0) { $0 + ($1.key.state.isFinal ? 0 : $1.value) }
            return broker.isQuiet && owed == 0 && unfinished == ledger.records.count { mayWait($0) }
        }
    }

    /// Replies that were never published, without those that the broker turns down for ever.
    private var owed: Int {
        get async {
            let replies = (try? await ledger.unpublishedReplies(after: nil, limit: .max).replies) ?? []
            return replies.count { $0.asker.replyTo != ModelBroker.forbidden }
        }
    }

    /// Whether a job may wait though nothing goes wrong any more.
    private func mayWait(_ record: JobRecord) -> Bool {
        // BOS refuses the credentials of this merchant for ever. Without another recharge nothing tells that from a refusal of every recharge.
        record.progress.waitReason == .ownCredentialsRefused && world.climate.refusesMerchant
    }

    func atTheEnd() async -> [String] {
        var violations: [String] = []
        if broker.longestHold > 60_000 { violations.append("a delivery was held for \(broker.longestHold) ms, longer than jobs.timeout") }
        if !broker.isQuiet { violations.append("the broker still has or holds deliveries although nothing goes wrong any more") }
        let owed = await owed
        if owed > 0 { violations.append("\(owed) replies were never published") }
        violations += repeatedPurchases(((try? await ledger.jobs(.recharge, in: .succeeded, limit: .max)) ?? []))
        for state in JobState.allCases where !state.isFinal {
            for kind in JobKind.allCases {
                for record in (try? await ledger.jobs(kind, in: state, limit: .max)) ?? [] where !mayWait(record) {
                    violations.append(
                        "\(kind.rawValue) \(record.job.reference) is still \(state.rawValue) although nothing goes wrong any more")
                }
            }
        }
        let told = broker.replies.compactMap(Self.told)
        // A refusal is stored nowhere: when its message comes back it is written anew, and only its times differ.
        for (id, replies) in Dictionary(grouping: told.filter { !$0.isConflict }, by: \.messageID) where Set(replies.map(\.body)).count > 1
        {
            let told = replies.map { "\($0.kind) to \($0.correlationID): \(String(decoding: $0.body, as: UTF8.self))" }
            violations.append("the replies with message_id \(id) differ:\n  \(told.joined(separator: "\n  "))")
        }
        violations += await answers(told)
        return violations
    }

    /// Nothing was bought twice within the window but by a person's word. While clocks jump that cannot be told.
    private func repeatedPurchases(_ recharges: [JobRecord]) -> [String] {
        guard let window = world.purchaseGuard?.window, world.weather.clockJump == 0 else { return [] }
        var violations: [String] = []
        for same in Dictionary(grouping: recharges, by: \.job.amount).values {
            let inOrder = same.sorted { $0.acceptedAt < $1.acceptedAt }
            for (earlier, later) in zip(inOrder, inOrder.dropFirst()) where !sentByPerson.contains(later.job.reference) {
                guard later.acceptedAt - (earlier.progress.completedAt ?? later.acceptedAt) <= window else { continue }
                violations.append("\(later.job.reference) bought what \(earlier.job.reference) had bought within the window")
            }
        }
        return violations
    }

    /// Every asker whose job was accepted has one final reply, and it agrees with what BOS did.
    private func answers(_ told: [Told]) async -> [String] {
        var violations: [String] = []
        let byAsker = Dictionary(grouping: told.filter(\.isFinal)) { "\($0.kind) \($0.correlationID)" }
        for order in orders {
            guard let record = try? await ledger.job(order.kind, reference: order.reference)?.record else {
                violations.append("\(order.kind.rawValue) \(order.reference) was published, and is known to no ledger")
                continue
            }
            let name = order.kind == .rechargeStatus ? "q/\(order.correlationID)" : order.correlationID
            let finals = byAsker["\(order.kind.rawValue).reply \(name)", default: []]
            let answers = Set(finals.filter { !$0.isConflict }.map(\.body))
            // What the broker turns down is owed for ever.
            if order.replyTo == ModelBroker.forbidden { continue }
            if record.job.amount.paise != order.paise {
                if finals.allSatisfy({ !$0.isConflict }) { violations.append("\(name) was not told of the conflict") }
            } else if mayWait(record) {
                continue
            } else if answers.isEmpty || answers.count > mostAnswers(order) {
                violations.append("\(name) got \(answers.count) different final replies")
            }
            for reply in finals where !reply.isConflict { violations += disagreement(order, reply) }
        }
        return violations
    }

    /// Each message of a question asks anew, and has one answer however often it is delivered; a message without a name may ask with each
    /// delivery. An application that was completed has one end, and a recharge has one answer however often it is published.
    private func mostAnswers(_ order: Upstream.Order) -> Int {
        guard order.kind != .recharge else { return 1 }
        let messages = orders.filter { $0.kind == order.kind && $0.correlationID == order.correlationID }
        let again = broker.republished(order.kind == .rechargeStatus ? "q/\(order.correlationID)" : order.correlationID)
        return messages.allSatisfy { $0.messageID != nil } ? messages.count + again : .max
    }

    private func disagreement(_ order: Upstream.Order, _ reply: Told) -> [String] {
        let isRight: Bool =
            switch order.kind {
            case .recharge: (books[order.reference]?.executed ?? 0) == (reply.outcome == "succeeded" ? 1 : 0)
            // What was true when it was told may be of the past by now; what failed has done so for ever.
            case .rechargeStatus: reply.outcome != "failed" || (books[order.reference]?.executed ?? 0) == 0
            case .panStatus:
                reply.outcome == "expired"
                    || (!PANDecision(order.reference).isEndless
                        && reply.outcome == (PANDecision(order.reference).isRejected ? "failed" : "succeeded"))
            }
        return isRight ? [] : ["\(order.kind.rawValue) \(order.reference) was told \(reply.outcome), which is not what BOS did"]
    }

    private static func told(_ publication: ModelBroker.Publication) -> Told? {
        guard let json = try? JSONValue.parse(publication.message.body) else { return nil }
        let properties = publication.message.properties
        return Told(
            messageID: properties.messageID ?? "", kind: properties.type ?? "", correlationID: properties.correlationID ?? "",
            body: publication.message.body, json: json)
    }
}
