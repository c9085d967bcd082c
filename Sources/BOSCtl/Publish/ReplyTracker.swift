import AMQP
import Synchronization

/// Tracks which jobs were published, and which of them have their final reply.
final class ReplyTracker: Sendable {
    private struct State {
        var waiting: [Int: Waiting] = [:]
        var confirmed = 0
        var outcomes: [String: Int] = [:]
        var hasPublishedAll = false
    }

    private struct Waiting {
        let reference: String
        let publishedAt: ContinuousClock.Instant
        /// The ids of the replies that were shown. A reply that comes twice is shown once.
        var shown: Set<String> = []
    }

    /// How many jobs have got how far.
    struct Counts: Sendable {
        /// Jobs that the broker has confirmed.
        let confirmed: Int
        /// Jobs with a final reply, by its outcome.
        let outcomes: [String: Int]

        var answered: Int { outcomes.values.reduce(0, +) }
    }

    /// Makes the correlation ids of this command unique.
    private let run = String(UInt64.random(in: .min ... .max), radix: 36)
    private let state = Mutex(State())
    private let completion: AsyncStream<Void>
    private let completed: AsyncStream<Void>.Continuation

    init() { (completion, completed) = AsyncStream.makeStream() }

    func correlationID(_ index: Int) -> String { "bosctl-\(run)-\(index)" }

    /// Call this before publishing the job: its reply may arrive before its confirm.
    func expect(_ index: Int, reference: String) {
        state.withLock { $0.waiting[index] = $0.waiting[index] ?? Waiting(reference: reference, publishedAt: .now) }
    }

    func markConfirmed(_ index: Int) { state.withLock { $0.confirmed += 1 } }

    /// Call this when no more jobs will be published.
    func markAllPublished() {
        let isComplete = state.withLock { state in
            state.hasPublishedAll = true
            return state.waiting.isEmpty
        }
        if isComplete { completed.finish() }
    }

    /// Records a reply.
    /// - Returns: what to show of it; `nil` for a repeat, and for a message that is no reply to this command.
    func record(_ message: Message) -> (reference: String, report: ReplyReport, elapsed: Duration)? {
        guard let name = message.properties.correlationID, name.hasPrefix("bosctl-\(run)-"), let index = Int(name.dropFirst(8 + run.count)),
            let report = ReplyReport(message.body)
        else { return nil }
        let (waiting, isComplete): (Waiting?, Bool) = state.withLock { state in
            guard let waiting = state.waiting[index] else { return (nil, false) }
            if let id = message.properties.messageID, state.waiting[index]?.shown.insert(id).inserted == false { return (nil, false) }
            if report.isFinal {
                state.waiting[index] = nil
                state.outcomes[report.outcome, default: 0] += 1
            }
            return (waiting, state.hasPublishedAll && state.waiting.isEmpty)
        }
        if isComplete { completed.finish() }
        return waiting.map { ($0.reference, report, .now - $0.publishedAt) }
    }

    /// Returns once every job has its final reply, or when the task is cancelled.
    func whenComplete() async {
        for await _ in completion {}
    }

    var counts: Counts {
        state.withLock { Counts(confirmed: $0.confirmed, outcomes: $0.outcomes) }
    }

    /// The references of the jobs without a final reply, in the order of the batch.
    var unanswered: [String] {
        state.withLock { $0.waiting.sorted { $0.key < $1.key }.map(\.value.reference) }
    }
}
