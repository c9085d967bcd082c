import AMQP
import ArgumentParser
import ExactJSON
import Foundation
import Logging

/// Measures a whole worker with a real broker, a real ledger and a stand-in for BOS that costs almost nothing. `deploy/bench` runs it.
@main
struct BenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Benchmarks", abstract: "Measures bos-worker: throughput, processor time, memory, latency, idle cost.")

    @Option(help: "The worker's program.") var worker: String
    @Option(help: "The URL of an empty broker.") var amqp: String
    @Option(help: "A folder on a real disk, for the ledger and the worker's log.") var folder: String
    @Option(help: "How many recharges wait in the queue when the worker starts.") var jobs = 20_000
    @Option(help: "Recharges per second during the measurement of latency.") var rate = 500
    @Option(help: "How many seconds the measurement of latency takes.") var seconds = 20
    @Option(help: "How many seconds the idle worker is measured.") var idle = 20
    @Option(help: "How many times the status page is rendered, once a second.") var pages = 20

    func run() async throws {
        let bos = try await ConstantBOS()
        let upstream = try BenchmarkUpstream(url: amqp)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await upstream.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await measure(with: bos, upstream: upstream)) } catch { result = .failure(error) }
            await upstream.close()
            try await bos.close()
            try result.get()
        }
    }

    private func measure(with bos: ConstantBOS, upstream: BenchmarkUpstream) async throws {
        func start() async throws -> MeasuredWorker {
            try await MeasuredWorker(program: worker, folder: folder, amqp: amqp, bos: "http://127.0.0.1:\(bos.port)/api/BOS")
        }
        // The worker starts once to declare the queues. It is stopped while they are filled.
        try await start().stop()
        try await upstream.prepare()
        progress("publishing \(jobs) jobs")
        try await upstream.publishBacklog(jobs)
        progress("draining")
        let drainer = try await start()
        let report = try await drainer.watched { try await self.report(on: drainer, bos: bos, upstream: upstream) }
        try await drainer.stop()
        report.write()
    }

    private func report(on worker: MeasuredWorker, bos: ConstantBOS, upstream: BenchmarkUpstream) async throws -> Report {
        let drain = try await Drain.measure(jobs, by: worker, upstream: upstream, bos: bos)
        let peak = worker.usage().peakKilobytes
        guard try await upstream.consumeAll(jobs) else { throw BenchmarkError.replies }
        progress("\(rate) jobs a second for \(seconds) s")
        let latency = try await upstream.measureLatency(rate: rate, seconds: seconds)
        progress("idle for \(idle) s")
        let before = worker.usage().processorSeconds
        try await Task.sleep(for: .seconds(idle))
        let idleShare = (worker.usage().processorSeconds - before) / Double(idle)
        progress("the status page for \(pages) s")
        let page = try await StatusPageCost.measure(pages, of: worker)
        return Report(
            jobs: jobs, drain: drain, peakKilobytes: peak, rate: rate, latency: latency, idleShare: idleShare, page: page)
    }

    private func progress(_ text: String) { FileHandle.standardError.write(Data("\(text) …\n".utf8)) }
}

/// Why a measurement is not valid.
enum BenchmarkError: Error, CustomStringConvertible {
    case replies
    case worker(String)
    /// The worker ended during the measurement; its log.
    case died(String)
    case stopped(Int32)
    case executions(Int, of: Int)
    case page(String)

    var description: String {
        switch self {
        case .replies: "some jobs have no reply, or one that is not succeeded, so that the measurement is not valid"
        case .worker(let log): "the worker did not become ready; its log is \(log)"
        case .died(let log):
            "the worker ended during the measurement; the end of its log:\n\(log.split(separator: "\n").suffix(20).joined(separator: "\n"))"
        case .stopped(let code): "the worker ended with exit code \(code) when it was stopped"
        case .page(let problem): "the status page: \(problem)"
        case .executions(let count, let jobs): "the worker sent \(count) recharges for \(jobs) jobs"
        }
    }
}
