import Foundation

/// OpenSSL's server with a self-signed certificate, on a free port.
final class TLSServer: Sendable {
    struct Failure: Error { let output: String }

    let port: Int
    private let folder: URL
    private let process: Process

    init() async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("bos-tls-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (certificate, output) = (folder.appendingPathComponent("all.pem").path, folder.appendingPathComponent("output"))
        let make = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", certificate, "-out", "\(certificate).crt",
        ]
        try Self.openssl(make, output: output).waitUntilExit()
        process = try Self.openssl(
            ["s_server", "-accept", "127.0.0.1:0", "-cert", "\(certificate).crt", "-key", certificate], output: output)
        port = try await Self.port(in: output, of: process)
    }

    /// Ends the server. Returns what it has received and its own messages.
    func stop() -> String {
        // The server has inherited the blocked signals of this thread, so SIGTERM would not reach it.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        defer { try? FileManager.default.removeItem(at: folder) }
        return (try? String(contentsOf: folder.appendingPathComponent("output"), encoding: .utf8)) ?? ""
    }

    private static func openssl(_ arguments: [String], output: URL) throws -> Process {
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        // The server ends at the end of its input, so its input stays open.
        process.standardInput = Pipe()
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = process.standardOutput
        try process.run()
        return process
    }

    /// Waits until the server prints that it listens: `ACCEPT 127.0.0.1:41234`.
    private static func port(in output: URL, of process: Process) async throws -> Int {
        while true {
            let text = try String(contentsOf: output, encoding: .utf8)
            if let port = text.firstMatch(of: /ACCEPT 127\.0\.0\.1:(\d+)\n/).flatMap({ Int($0.1) }) { return port }
            guard process.isRunning else { throw Failure(output: text) }
            // OpenSSL prints its port only in its output, and the growth of a file cannot be awaited. So the test polls the file.
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
