/// How a backlog was drained, between the first reply seen and the last.
struct Drain: Sendable {
    let jobs: Int
    let seconds: Double
    /// Processor time of the worker.
    let workerSeconds: Double
    /// Processor time of this process: the stand-in for BOS, and a look at the queue now and then.
    let standInSeconds: Double

    /// Watches the queue of replies fill. Nobody consumes it meanwhile, so that worker and broker are what is measured.
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
