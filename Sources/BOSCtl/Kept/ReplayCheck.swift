import AMQP
import JobEngine
import JobModel
import Ledger

/// Whether a dead letter may be published again as a job. BOS is asked later, directly before the letter is published.
struct ReplayCheck: Sendable {
    /// The job that the worker would read from the letter now; `nil` if it would refuse the letter again.
    let job: Job?
    /// As far as they could be read.
    let kind: JobKind?
    let reference: String?
    /// The job of that kind and reference in the ledger.
    let record: JobRecord?
    /// The routing key of the replay.
    let routingKey: String
    /// Why the letter must not be published again; `nil` if it may be.
    let obstacle: Obstacle?

    /// Whether BOS has to be asked first: the letter is a recharge.
    var asksBOS: Bool { kind == .recharge }

    enum Obstacle: Sendable, Equatable {
        /// The worker would refuse the letter again.
        case notAJob(detail: String)
        /// A poller put the job on its queue, and this ledger does not know it.
        case ofAnotherLedger
        case ended(JobState, at: Timestamp?)
        case unfinished(JobState)
        /// The ledger has the job and cannot read it.
        case unreadableInLedger
        /// The worker may have told the caller that the recharge is refused, which is final.
        case wasRefused
    }

    /// - Parameter isAfterRefusal: the operator knows that the caller wants the recharge although it was told that it is refused.
    init(_ letter: KeptMessage, in ledger: any Ledger, rules: JobRules, isAfterRefusal: Bool = false) async throws(LedgerError) {
        let (result, key) = letter.readAsJob(rules)
        routingKey = key
        switch result {
        case .success(let job): (self.job, kind, reference) = (job, job.kind, job.reference)
        case .failure(let refusal): (job, kind, reference) = (nil, refusal.kind, refusal.reference)
        }
        do throws(LedgerError) {
            record = try await Self.record(kind, reference: reference, in: ledger)
        } catch {
            guard case .unreadable = error else { throw error }
            record = nil
            obstacle = .unreadableInLedger
            return
        }
        obstacle = Self.obstacle(letter, readAs: result, record: record, isAfterRefusal: isAfterRefusal)
    }

    private static func record(_ kind: JobKind?, reference: String?, in ledger: any Ledger) async throws(LedgerError) -> JobRecord? {
        guard let reference else { return nil }
        // A letter of unknown kind could be a recharge.
        return try await ledger.job(kind ?? .recharge, reference: reference)?.record
    }

    private static func obstacle(
        _ letter: KeptMessage, readAs result: Result<Job, JobRefusal>, record: JobRecord?, isAfterRefusal: Bool
    ) -> Obstacle? {
        // A question that is repeated moves no money. The worker answers it with the stored reply, or asks again.
        if let record, record.job.kind == .recharge || letter.isResumption {
            let state = record.progress.state
            return state.isFinal ? .ended(state, at: record.progress.completedAt) : .unfinished(state)
        }
        if letter.isResumption { return .ofAnotherLedger }
        switch result {
        case .failure(let refusal): return .notAJob(detail: refusal.detail)
        case .success(.recharge): return letter.cause.mayHaveBeenAnswered && !isAfterRefusal ? .wasRefused : nil
        case .success(.rechargeStatus), .success(.panStatus): return nil
        }
    }
}

extension KeptMessage {
    /// Whether a poller put it on its queue.
    fileprivate var isResumption: Bool { message.properties.headers[IncomingJob.resumptionHeader] != nil }

    /// The job that the worker would read from the message, with the routing key that it is read with.
    fileprivate func readAsJob(_ rules: JobRules) -> (Result<Job, JobRefusal>, routingKey: String) {
        let original = origin?.routingKey ?? routingKey
        let first = readAsJob(rules, routingKey: original)
        // A job that was published past the exchange has another key. No queue is bound for that one.
        guard case .success(let job) = first, JobKind(rawValue: original) == nil else { return (first, original) }
        return (readAsJob(rules, routingKey: job.kind.rawValue), job.kind.rawValue)
    }

    private func readAsJob(_ rules: JobRules, routingKey: String) -> Result<Job, JobRefusal> {
        let properties = message.properties
        let lane = JobKind(rawValue: routingKey).map { $0 == .recharge ? JobLane.money : .questions }
        let incoming = IncomingJob(
            body: message.body, announcedSize: size, type: properties.type, routingKey: routingKey, contentType: properties.contentType,
            contentEncoding: properties.contentEncoding, lane: lane, correlationID: properties.correlationID,
            messageID: properties.messageID, replyTo: properties.replyTo, unreadableProperties: unreadableProperties)
        do throws(JobRefusal) {
            return .success(try incoming.decode(rules).job)
        } catch {
            return .failure(error)
        }
    }

    /// The worker has moved texts that are not UTF-8 into a header.
    private var unreadableProperties: Set<String> {
        guard case .table(let table)? = message.properties.headers["x-bos-unreadable"] else {
            return Set(message.properties.unreadable.keys)
        }
        return Set(message.properties.unreadable.keys).union(table.keys)
    }
}
