import Foundation

/// The worker that is measured. It is a process of its own.
final class MeasuredWorker: Sendable {
    let pid: Int32
    private let process: Process
    private let log: String
    private let ended: AsyncStream<Int32>

    /// Starts the worker with its default configuration. Returns when it has consumers, which is before its first job is done.
    init(program: String, folder: String, amqp: String, bos: String) async throws {
        let log = "\(folder)/worker.log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.environment = [
            "BOS_AMQP_URLS": amqp, "BOS_API_BASE_URL": bos, "BOS_API_REGISTER_ID": "1234",
            "BOS_LEDGER_URL": "sqlite:\(folder)/ledger.sqlite", "BOS_HTTP_LISTEN": "127.0.0.1:0",
        ]
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        let (ended, continuation) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = { process in
            continuation.yield(process.terminationStatus)
            continuation.finish()
        }
        try process.run()
        self.process = process
        self.log = log
        self.ended = ended
        pid = process.processIdentifier
        let deadline = ContinuousClock.now + .seconds(60)
        while !((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").contains("\"consuming\"") {
            guard ContinuousClock.now < deadline, process.isRunning else { throw BenchmarkError.worker(log) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func stop() async throws {
        kill(pid, SIGTERM)
        for await code in ended where code != 0 { throw BenchmarkError.stopped(code) }
    }

    /// Runs `body`, and throws at once if the worker ends meanwhile.
    func watched<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask(operation: body)
            group.addTask {
                // Polled, because the end of the process can be awaited only once, and stop() does that.
                while self.process.isRunning { try await Task.sleep(for: .milliseconds(50)) }
                throw BenchmarkError.died((try? String(contentsOfFile: self.log, encoding: .utf8)) ?? "")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    /// What the worker has used since its start, as the kernel counts it.
    func usage() -> (processorSeconds: Double, peakKilobytes: Int) {
        (Self.processorSeconds(of: "\(pid)"), Self.peakKilobytes(of: "\(pid)"))
    }

    /// The URL of the worker's pages. Its log says on which port they are.
    var pages: String? {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").last { $0.contains("\"http.listening\"") }
        return line?.firstMatch(of: /"port":(\d+)/).map { "http://127.0.0.1:\($0.1)" }
    }

    /// The time that all living threads have run, exact to a nanosecond. Source: sched-stats of the kernel's documentation,
    /// `/proc/PID/task/TID/schedstat`.
    var running: Duration {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return threads.reduce(.zero) { sum, thread in
            let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/schedstat", encoding: .utf8)) ?? ""
            return sum + .nanoseconds(text.split(separator: " ").first.flatMap { Int64($0) } ?? 0)
        }
    }

    /// User and system time of all threads, in seconds. Source: proc(5), fields 14 and 15 of `/proc/PID/stat`, in ticks of 10 ms.
    /// - Parameter process: a process id, or `self`.
    static func processorSeconds(of process: String) -> Double {
        let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        guard let end = stat.lastIndex(of: ")") else { return 0 }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / 100
    }

    private static func peakKilobytes(of process: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
