import Foundation
import Glibc
import Ledger

/// Runs `LedgerWriter` as a process of its own.
enum Writer {
    /// Starts a writer, kills it once it has printed that many lines, and returns all that it printed.
    static func runAndKill(path: String, prefix: String, afterLines lines: Int) async throws -> [String] {
        let process = Process()
        // Executables are built into the folder of the test bundle.
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("LedgerWriter")
        process.arguments = [path, prefix]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = await withCheckedContinuation { continuation in
            // Reading blocks, so it has a thread of its own.
            Thread.detachNewThread {
                continuation.resume(returning: read(output.fileHandleForReading, killing: process, afterLines: lines))
            }
        }
        process.waitUntilExit()
        guard process.terminationReason == .uncaughtSignal, process.terminationStatus == SIGKILL else {
            throw LedgerError.unavailable("the writer ended by itself with \(process.terminationStatus)")
        }
        // What stands behind the last line break was cut off by the kill.
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    private static func read(_ handle: FileHandle, killing process: Process, afterLines lines: Int) -> String {
        var bytes: [UInt8] = []
        while true {
            let chunk = handle.availableData
            if chunk.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk
            if bytes.count(where: { $0 == UInt8(ascii: "\n") }) >= lines { kill(process.processIdentifier, SIGKILL) }
        }
    }
}
