import AMQP
import ArgumentParser
import ExactJSON
import Foundation
import Logging

/// Measures a worker as a whole: real broker, real ledger, a stand-in for BOS that costs next to nothing. Run by `deploy/bench`.
@main
struct BenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Benchmarks", abstract: "Measures bos-worker: throughput, processor time, memory, latency, idle cost.")

    @Option(help: "The worker's program.") var worker: String
    @Option(help: "The broker, with nothing in it.") var amqp: String
    @Option(help: "A folder on a real disk, for the ledger and the worker's log.") var folder: String
    @Option(help: "Recharges that wait in the queue and are drained.") var jobs = 20_000
    @Option(help: "Recharges per second while latency is measured.") var rate = 500
    @Option(help: "How many seconds latency is measured.") var seconds = 20
    @Option(help: "How many seconds the idle worker is watched.") var idle = 20

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
        // The worker declares the queues; then it is away while they are filled.
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
        return Report(jobs: jobs, drain: drain, peakKilobytes: peak, rate: rate, latency: latency, idleShare: idleShare)
    }

    private func progress(_ text: String) { FileHandle.standardError.write(Data("\(text) …\n".utf8)) }
}

/// What makes a run worthless.
enum BenchmarkError: Error, CustomStringConvertible {
    case replies
    case worker(String)
    /// With all that it has said.
    case died(String)
    case stopped(Int32)
    case executions(Int, of: Int)

    var description: String {
        switch self {
        case .replies: "some jobs have no reply, or one that is not succeeded; the numbers would mean nothing"
        case .worker(let log): "the worker does not become ready; its log: \(log)"
        case .died(let log):
            "the worker ended while it was measured; the end of its log:\n\(log.split(separator: "\n").suffix(20).joined(separator: "\n"))"
        case .stopped(let code): "the worker ended with \(code) when it was asked to stop"
        case .executions(let count, let jobs): "BOS was sent \(count) recharges for \(jobs) jobs"
        }
    }
}
