import AMQP
import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerSQLite

/// Publishes dead letters again. Each step of a letter comes only after the one before: ledger, BOS, publish, confirm, ack.
struct LetterReplay {
    let letters: DeadLetters
    let reason: String
    let isAfterRefusal: Bool
    let isAgainstBOS: Bool

    private var settings: Settings { letters.settings }
    private var console: Console { letters.console }

    /// What became of one letter.
    struct Result: Sendable {
        enum Ending: Sendable {
            /// The broker has confirmed the job.
            case published(Job, repliesBefore: Int)
            /// The letter stays in its queue. `isTemporary`: the same command may work later.
            case left(String, isTemporary: Bool)
        }

        let entry: DeadLetterEntry
        let ending: Ending
    }

    /// - Parameter id: names the letter; `nil` for each that may be replayed.
    func run(_ id: String?, in ledger: SQLiteLedger) async throws -> [Result] {
        let items = settings.topology.jobItems(ledger: try await ledger.identity())
        return try await letters.withQueue(publishing: items) { queue in
            var results: [Result] = []
            try await OperatorEnquiry(settings: settings).withClient { enquire in
                try await queue.read { held in
                    guard id.map(held.kept.isNamed) ?? true else { return true }
                    results.append(try await replay(held, from: queue, asking: enquire, in: ledger))
                    return true
                }
            }
            if let id, results.isEmpty { throw KeptFailure.unknown(id, queue: queue.name) }
            return results
        }
    }

    private func replay(
        _ held: HeldMessage, from queue: KeptQueue, asking enquire: (JobRecord) async -> CallReport<Enquiry>, in ledger: SQLiteLedger
    ) async throws -> Result {
        let letter = held.kept
        let check = try await letters.check(letter, isAfterRefusal: isAfterRefusal)
        let entry = DeadLetterEntry(letter, check: check)
        func left(_ why: String, isTemporary: Bool = false) -> Result {
            console.say("letter \(entry.id) stays in \(queue.name): \(why)")
            return Result(entry: entry, ending: .left(why, isTemporary: isTemporary))
        }
        guard check.obstacle == nil, let job = check.job else { return left(check.obstacle?.humanDescription ?? "it is no job") }
        guard !job.mentionsSubscriber(reason) else { return left("--reason holds the subscriber's number: leave it out") }
        console.say(plan(entry, of: job, routingKey: check.routingKey))
        var ending = Result.Ending.left("it was not published", isTemporary: true)
        try await ledger.recording("dead replay", about: "\(entry.name) (letter \(entry.id))", because: reason) {
            if case .recharge(let recharge) = job {
                let report = await enquire(JobRecord(unstored: recharge))
                guard report.permitsSending(isAgainstBOS: isAgainstBOS) else {
                    let answer = job.withoutSubscriber(report.note)
                    ending = .left(
                        "BOS must say that it does not know the recharge, and says: \(answer)", isTemporary: report.isUnanswered)
                    return "not published: \(answer)"
                }
                console.say("BOS does not know it (\(job.withoutSubscriber(report.note)))")
            }
            if let failure = await publish(letter, routingKey: check.routingKey, through: queue) {
                ending = .left(failure.description, isTemporary: failure.isTemporary)
                return "not published: \(failure.description)"
            }
            held.ack()
            ending = .published(job, repliesBefore: check.record?.replyCount ?? 0)
            console.say("\(entry.name) is published; the letter is removed")
            return "published again, for the \(letter.replays + 1). time"
        }
        guard case .left(let why, let isTemporary) = ending else { return Result(entry: entry, ending: ending) }
        return left(why, isTemporary: isTemporary)
    }

    private func plan(_ entry: DeadLetterEntry, of job: Job, routingKey: String) -> String {
        let exchange = settings.topology.exchanges.jobs
        let target = "published to \(exchange) with the routing key \(routingKey), and then the letter is removed"
        guard case .recharge(let recharge) = job else { return "\(entry.name) is \(target)" }
        let what = "\(entry.name) of \(recharge.amount.rupees) rupees to \(masked(recharge.subscriber).printable)"
        return "\(what): BOS is asked about it now; if BOS does not know it, it is \(target)"
    }

    /// - Returns: why the broker did not confirm the job; `nil` if it did.
    private func publish(
        _ letter: KeptMessage, routingKey: String, through queue: KeptQueue
    ) async -> (description: String, isTemporary: Bool)? {
        let exchange = settings.topology.exchanges.jobs
        do throws(PublishError) {
            try await queue.publishing.publish(
                letter.replayed, exchange: exchange, routingKey: routingKey, mandatory: true, timeout: KeptQueue.confirmTimeout)
            return nil
        } catch {
            switch error {
            case .returned: return ("no queue is bound to \(exchange) for \(routingKey): start bos-worker once, it declares it", false)
            case .invalid, .turnedDown: return ("\(error)", false)
            case .notSent, .notAsked, .refused: return ("\(error)", true)
            case .outcomeUnknown: return ("\(error). If the broker took it, the ledger has it, and it is not replayed again", true)
            }
        }
    }
}

extension KeptMessage {
    /// The job as its caller published it, without what worker and broker have added.
    var replayed: Message {
        var copy = message
        copy.properties.deliveryMode = .persistent
        copy.properties.expiration = nil
        copy.properties.headers = copy.properties.headers.filter { !Self.isAdded($0.key) }
        copy.properties.headers[Self.replaysHeader] = .int(Int64(replays + 1))
        return copy
    }

    private static func isAdded(_ header: String) -> Bool {
        let name = header.lowercased()
        return ["cc", "bcc", "x-death", "x-delivery-count", "x-acquired-count"].contains(name)
            || ["x-bos-", "x-first-death-", "x-last-death-"].contains { name.hasPrefix($0) }
    }
}

extension DeadLetterEntry {
    /// The job's kind and reference.
    var name: String { "\(kind?.rawValue ?? "a job of unknown kind") \(reference ?? "without a reference")" }
}

extension JobRecord {
    /// A recharge that the ledger does not know, for an enquiry about it.
    fileprivate init(unstored recharge: Recharge) {
        self.init(
            id: 0, job: .recharge(recharge), fingerprint: [], acceptedAt: SystemClock().now(), progress: Progress(), owner: nil,
            replyCount: 0)
    }
}

extension CallReport where Event == Enquiry {
    /// Whether BOS gave no answer.
    fileprivate var isUnanswered: Bool {
        switch event {
        case .found: false
        case .unanswered, .deferred, .ownCredentialsRefused: true
        }
    }
}

extension Console {
    /// Writes a sentence in lines of at most 100 columns. Nothing in JSON, where only results are written.
    func say(_ sentence: String) {
        guard !isJSON else { return }
        for line in sentence.wrapped(to: 100) { row(line) }
    }
}
