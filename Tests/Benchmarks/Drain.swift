/// How the worker drained a backlog, measured from the first reply that was seen to the last.
struct Drain: Sendable {
    let jobs: Int
    let seconds: Double
    /// Processor time of the worker.
    let workerSeconds: Double
    /// Processor time of this process, which runs the stand-in for BOS and looks at the queue of replies.
    let standInSeconds: Double

    /// Watches the queue of replies until it has one for each job. Replies are not consumed meanwhile, so that only worker and broker are
    /// measured.
    static func measure(_ jobs: Int, by worker: MeasuredWorker, upstream: BenchmarkUpstream, bos: ConstantBOS) async throws -> Drain {
        let clock = ContinuousClock()
        var first: (count: Int, at: ContinuousClock.Instant, worker: Double, own: Double)?
        while true {
            let count = try await upstream.waitingReplies()
            let now = clock.now
            let (used, own) = (worker.usage().processorSeconds, MeasuredWorker.processorSeconds(of: "self"))
            if let first, count >= jobs {
                guard bos.recharges == jobs else { throw BenchmarkError.executions(bos.recharges, of: jobs) }
                return Drain(
                    jobs: count - first.count, seconds: (now - first.at) / .seconds(1), workerSeconds: used - first.worker,
                    standInSeconds: own - first.own)
            }
            if first == nil, count > 0 { first = (count, now, used, own) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
