import ArgumentParser
import Daemon
import ExactJSON
import JobModel
import Ledger

/// What became of replayed letters, according to the ledger.
struct ReplayOutcomes {
    let results: [LetterReplay.Result]
    let ledger: any Ledger
    let console: Console
    /// The state of each published job as far as the worker has answered it, by the index of its letter.
    private(set) var states: [Int: JobState] = [:]
    private var hasWaited = false

    init(results: [LetterReplay.Result], ledger: any Ledger, console: Console) {
        self.results = results
        self.ledger = ledger
        self.console = console
    }

    /// Waits until the worker has answered each published job, or the time is over, and shows what became of each.
    func await(for limit: Duration) async throws -> ReplayOutcomes {
        var outcomes = self
        outcomes.hasWaited = limit > .zero
        let end = ContinuousClock.now + limit
        while true {
            try await outcomes.look()
            guard !outcomes.isComplete, ContinuousClock.now < end else { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        console.show(outcomes)
        return outcomes
    }

    private var isComplete: Bool { published.allSatisfy { states[$0.index] != nil } }

    private var published: [(index: Int, job: Job, repliesBefore: Int)] {
        results.enumerated().compactMap { index, result in
            guard case .published(let job, let replies) = result.ending else { return nil }
            return (index, job, replies)
        }
    }

    private mutating func look() async throws {
        for (index, job, replies) in published where states[index] == nil {
            let record = try await ledger.job(job.kind, reference: job.reference)?.record
            guard let record, record.replyCount > replies else { continue }
            states[index] = record.progress.state
        }
    }

    /// - Throws: the exit code, unless all is well.
    func conclude(in queue: String) throws {
        let left = results.compactMap { result -> Bool? in
            guard case .left(_, let isTemporary) = result.ending else { return nil }
            return isTemporary
        }
        guard left.isEmpty else {
            throw KeptFailure.left(count: left.count, queue: queue, isTemporary: left.allSatisfy { $0 })
        }
        if published.contains(where: { $0.job.kind == .recharge && states[$0.index]?.isUnsuccessful == true }) { throw ExitCode.failure }
        if hasWaited, !isComplete { throw ExitCode(ProcessExit.notDrained.rawValue) }
    }
}

extension ReplayOutcomes: Report {
    var lines: [String] {
        published.map { index, _, _ in
            let name = results[index].entry.name
            guard let state = states[index] else { return "\(name): the worker has not answered it yet; bosctl job shows it later" }
            return "\(name): \(state.humanDescription)"
        }
    }

    var json: [JSONValue] {
        results.enumerated().map { index, result in
            let ending: [JSONValue.Member] =
                switch result.ending {
                case .published:
                    [
                        .init("replayed", .bool(true)), .init("state", states[index].map { .string($0.rawValue) } ?? .null),
                        .init("detail", .null),
                    ]
                case .left(let why, _): [.init("replayed", .bool(false)), .init("state", .null), .init("detail", .string(why.printable))]
                }
            return .object(result.entry.json + ending)
        }
    }
}

extension JobState {
    /// Whether it is the end of a recharge that was not executed.
    fileprivate var isUnsuccessful: Bool {
        switch self {
        case .failed, .refused, .expired, .notFound: true
        case .accepted, .sending, .inDoubt, .pending, .parked, .held, .succeeded, .answeredPending: false
        }
    }
}
