import Foundation
import Synchronization

/// A program under test, with its output in a file. A program that still runs when the tests end is killed.
final class ChildProcess: Sendable {
    private static let alive = Mutex<Set<Int32>>([])

    let pid: Int32
    let log: URL
    private let process: Process
    private let ends: AsyncStream<Int32>
    private let code = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - name: the program's name in the folder of the built programs, or the whole path of another program.
    ///   - environment: the whole environment. The program inherits nothing from the tests.
    ///   - log: the file to which its output is appended.
    init(_ name: String, arguments: [String] = [], environment: [String: String] = [:], log: URL) throws {
        self.log = log
        let process = Process()
        process.executableURL = name.hasPrefix("/") ? URL(fileURLWithPath: name) : Self.folder.appendingPathComponent(name)
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = log.deletingLastPathComponent()
        if !FileManager.default.fileExists(atPath: log.path) { _ = FileManager.default.createFile(atPath: log.path, contents: nil) }
        let output = try FileHandle(forWritingTo: log)
        try output.seekToEnd()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        let (ends, ended) = AsyncStream.makeStream(of: Int32.self)
        self.ends = ends
        process.terminationHandler = { process in
            // The kernel may give the process id to another process.
            Self.alive.withLock { _ = $0.remove(process.processIdentifier) }
            // The end by a signal is reported as a shell reports it.
            ended.yield(process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus)
            ended.finish()
        }
        Self.killAllAtExit
        try process.run()
        self.process = process
        pid = process.processIdentifier
        let pid = pid
        Self.alive.withLock { _ = $0.insert(pid) }
        if !process.isRunning { Self.alive.withLock { _ = $0.remove(pid) } }
    }

    /// Sends a signal; does nothing if the process has ended.
    func send(_ signal: Int32) {
        Self.alive.withLock { alive in if alive.contains(pid) { kill(pid, signal) } }
    }

    /// Waits for the end of the process and returns its exit code.
    func exitCode() async -> Int32 {
        if let known = code.withLock({ $0 }) { return known }
        for await end in ends { code.withLock { $0 = end } }
        return code.withLock { $0 } ?? -1
    }

    /// Waits for the end of the process and returns its exit code. A process that has not ended by the limit is killed.
    func exitCode(within limit: Duration) async -> Int32 {
        await withTaskGroup { group in
            group.addTask {
                // A limit, not a wait: the end of the program cancels it.
                if (try? await Task.sleep(for: limit)) != nil { self.send(SIGKILL) }
            }
            defer { group.cancelAll() }
            return await exitCode()
        }
    }

    var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    /// The resident memory in KiB, from `/proc/PID/status`.
    var residentKilobytes: Int? {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
    }

    /// The folder of the programs: that of the tests, unless `BOS_TEST_PROGRAMS` names another one.
    private static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["BOS_TEST_PROGRAMS"] { return URL(fileURLWithPath: path) }
        return URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    }()

    private static let killAllAtExit: Void = {
        _ = atexit { ChildProcess.killAll() }
    }()

    private static func killAll() {
        for pid in alive.withLock({ $0 }) { kill(pid, SIGKILL) }
    }
}
