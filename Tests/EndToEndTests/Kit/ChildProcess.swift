import Foundation
import Synchronization

/// A program under test, with its output in a file. What is still running when the tests end is killed with them.
final class ChildProcess: Sendable {
    private static let alive = Mutex<Set<Int32>>([])

    let pid: Int32
    let log: URL
    private let process: Process
    private let ends: AsyncStream<Int32>
    private let code = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - name: of the program, in the folder into which the tests were built.
    ///   - environment: all of it; nothing of the tests' own is passed on.
    init(_ name: String, arguments: [String] = [], environment: [String: String] = [:], log: URL) throws {
        self.log = log
        let process = Process()
        process.executableURL = Self.folder.appendingPathComponent(name)
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
            // The kernel gives its number to another process one day.
            Self.alive.withLock { _ = $0.remove(process.processIdentifier) }
            // A signal that ended it is told as a shell tells it.
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

    /// Nothing happens if it has ended.
    func send(_ signal: Int32) {
        Self.alive.withLock { alive in if alive.contains(pid) { kill(pid, signal) } }
    }

    /// Waits for its end and returns its exit code.
    func exitCode() async -> Int32 {
        if let known = code.withLock({ $0 }) { return known }
        for await end in ends { code.withLock { $0 = end } }
        return code.withLock { $0 } ?? -1
    }

    /// Waits for its end and returns its exit code; what has not ended by then is killed.
    func exitCode(within limit: Duration) async -> Int32 {
        await withTaskGroup { group in
            group.addTask {
                // A limit, not a wait: the program's end cancels it.
                if (try? await Task.sleep(for: limit)) != nil { self.send(SIGKILL) }
            }
            defer { group.cancelAll() }
            return await exitCode()
        }
    }

    var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    /// The resident memory in KiB, as the kernel tells it.
    var residentKilobytes: Int? {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
    }

    /// Where the programs lie: beside the tests, unless `BOS_TEST_PROGRAMS` names another folder.
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
