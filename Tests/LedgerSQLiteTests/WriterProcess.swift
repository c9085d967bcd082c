import Foundation
import Glibc
import Ledger

/// Runs the program `LedgerWriter`.
enum WriterProcess {
    /// Starts a writer and kills it after it has printed this many lines.
    /// - Returns: all lines that it has printed.
    static func runAndKill(path: String, prefix: String, afterLines lines: Int) async throws -> [String] {
        let process = Process()
        // SwiftPM builds executables into the folder of the test bundle.
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("LedgerWriter")
        process.arguments = [path, prefix]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = await withCheckedContinuation { continuation in
            // Reading blocks, so it runs on its own thread.
            Thread.detachNewThread {
                continuation.resume(returning: read(output.fileHandleForReading, killing: process, afterLines: lines))
            }
        }
        process.waitUntilExit()
        guard process.terminationReason == .uncaughtSignal, process.terminationStatus == SIGKILL else {
            throw LedgerError.unavailable("the writer was not killed; it ended with \(process.terminationStatus)")
        }
        // The kill may have cut off the text after the last line break.
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
