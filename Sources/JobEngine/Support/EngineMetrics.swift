import JobModel
import Ledger
import Metrics
import Synchronization

/// The metrics of jobs and replies. Each is made once. Source of names and labels: operating.md#metrics.
package final class EngineMetrics: Sendable {
    private let jobs: [Outcome: [JobKind: Counter]]
    private let money: [Outcome: FloatingPointCounter]
    private let durations: [JobKind: Timer]
    private let inFlight: [JobKind: Gauge]
    private let running: [JobKind: Atomic<Int>.Box]
    private let retries: [WaitReason: [JobKind: Counter]]
    private let deadLetters: [DeadLetterReason: Counter]
    private let replies: [JobKind: Counter]
    private let unrouted = Counter(label: "bos_replies_unrouted_total")

    package init() {
        func byKind<Value>(_ make: (JobKind) -> Value) -> [JobKind: Value] {
            Dictionary(uniqueKeysWithValues: JobKind.allCases.map { ($0, make($0)) })
        }
        func counters(_ label: String, dimension: (name: String, value: String)) -> [JobKind: Counter] {
            byKind { Counter(label: label, dimensions: [("kind", $0.rawValue), (dimension.name, dimension.value)]) }
        }
        jobs = Dictionary(
            uniqueKeysWithValues: Outcome.allCases.map { ($0, counters("bos_jobs_total", dimension: ("outcome", $0.rawValue))) })
        money = Dictionary(
            uniqueKeysWithValues: Outcome.allCases.map {
                ($0, FloatingPointCounter(label: "bos_money_rupees_total", dimensions: [("outcome", $0.rawValue)]))
            })
        durations = byKind { Timer(label: "bos_job_duration_seconds", dimensions: [("kind", $0.rawValue)]) }
        inFlight = byKind { Gauge(label: "bos_jobs_in_flight", dimensions: [("kind", $0.rawValue)]) }
        running = byKind { _ in Atomic<Int>.Box() }
        retries = Dictionary(
            uniqueKeysWithValues: WaitReason.allCases.map { ($0, counters("bos_retries_total", dimension: ("reason", $0.rawValue))) })
        deadLetters = Dictionary(
            uniqueKeysWithValues: DeadLetterReason.allCases.map {
                ($0, Counter(label: "bos_dead_letters_total", dimensions: [("reason", $0.rawValue)]))
            })
        replies = byKind { Counter(label: "bos_replies_published_total", dimensions: [("kind", $0.rawValue)]) }
    }

    /// A run of a job begins.
    func began(_ kind: JobKind) { change(kind, by: 1) }
    /// A run of a job ends.
    func ended(_ kind: JobKind) { change(kind, by: -1) }

    /// How many runs of a kind are under way.
    func inFlight(_ kind: JobKind) -> Int { running[kind]?.value.load(ordering: .relaxed) ?? 0 }

    private func change(_ kind: JobKind, by step: Int) {
        guard let box = running[kind] else { return }
        inFlight[kind]?.record(box.value.add(step, ordering: .relaxed).newValue)
    }

    /// A job has got an outcome, final or not, which is stored for its recipients.
    func jobAnswered(_ kind: JobKind, outcome: Outcome, amount: Money) {
        jobs[outcome]?[kind]?.increment()
        if amount.paise > 0 { money[outcome]?.increment(by: Double(amount.paise) / 100) }
    }

    func waited(_ kind: JobKind, for reason: WaitReason) { retries[reason]?[kind]?.increment() }
    func deadLettered(_ reason: DeadLetterReason) { deadLetters[reason]?.increment() }
    func unroutedReply() { unrouted.increment() }

    func published(_ kind: JobKind) { replies[kind]?.increment() }

    /// Records how long the job took. To be called for the first recipient only: a later one gets a stored reply, which says nothing about
    /// the speed of the worker.
    func recordDuration(of reply: OutgoingReply, at now: Timestamp) {
        if reply.isFinal { durations[reply.kind]?.recordMilliseconds(max(0, (now - reply.acceptedAt).wholeMilliseconds)) }
    }
}

extension Atomic where Value == Int {
    /// A counter that can live in a dictionary.
    fileprivate final class Box: Sendable {
        let value = Atomic<Int>(0)
    }
}
