import Foundation
import Testing

@testable import Daemon

/// Asks the real `systemd-analyze` about the real unit file.
@Suite("The systemd unit", .timeLimit(.minutes(2)))
struct ServiceUnitTests {
    private static let unit = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "systemd/bos-worker.service")

    @Test("systemd finds nothing wrong with it")
    func verify() throws {
        let (status, output) = try Self.verify(String(contentsOf: Self.unit, encoding: .utf8))
        #expect(status == 0)
        #expect(output == "")
    }

    @Test("the check above would find a misspelled line and a missing program")
    func verifyIsStrict() throws {
        let text = try String(contentsOf: Self.unit, encoding: .utf8)
        #expect(try Self.verify(text.replacing("ProtectHome=", with: "ProtectHomes=")).output.contains("ProtectHomes"))
        #expect(try Self.verify(text.replacing("bin/bos-worker", with: "bin/other")).status != 0)
    }

    @Test("systemd calls its exposure low")
    func security() throws {
        let (status, output) = try Self.run(["security", "--offline=true", "--threshold=15", Self.unit.path])
        #expect(status == 0, "\(output)")
        #expect(output.contains("Overall exposure level"))
    }

    @Test("it stops later than the drain time-out, and waits for readiness")
    func timeouts() throws {
        let text = try String(contentsOf: Self.unit, encoding: .utf8)
        let stop = try #require(text.firstMatch(of: /TimeoutStopSec=(\d+)s/)).1
        #expect(Duration.seconds(try #require(Int(stop))) > Settings(for: .worker).shutdown.drainTimeout)
        #expect(text.contains("\nType=notify\n"))
        #expect(text.contains("\nExecStart=/usr/local/bin/bos-worker\n"))
    }

    @Test("the variables in its comments exist")
    func variables() throws {
        let text = try String(contentsOf: Self.unit, encoding: .utf8)
        let names = text.matches(of: /BOS_[A-Z_]+/).map { String($0.0) }
        let known = SettingKey.allNames.map { SettingKey.environmentName(of: $0) }
        #expect(names.count >= 3)
        #expect(names.allSatisfy(known.contains))
    }

    /// Verifies below a folder of its own that has systemd's units and an executable where the unit expects the worker,
    /// because nothing is installed on the machine that runs the tests.
    private static func verify(_ text: String) throws -> (status: Int32, output: String) {
        let files = FileManager.default
        let root = files.temporaryDirectory.appending(path: "bos-unit-\(UUID().uuidString)")
        defer { try? files.removeItem(at: root) }
        for folder in ["etc/systemd/system", "usr/local/bin", "usr/lib/systemd", "bin"] {
            try files.createDirectory(at: root.appending(path: folder), withIntermediateDirectories: true)
        }
        try files.copyItem(atPath: "/usr/lib/systemd/system", toPath: root.appending(path: "usr/lib/systemd/system").path)
        for program in ["usr/local/bin/bos-worker", "bin/kill"] {
            try files.copyItem(atPath: "/bin/kill", toPath: root.appending(path: program).path)
        }
        let unit = root.appending(path: "etc/systemd/system/bos-worker.service")
        try Data(text.utf8).write(to: unit)
        return try run(["verify", "--root=\(root.path)", unit.path])
    }

    private static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let tool = URL(filePath: "/usr/bin/systemd-analyze")
        try #require(
            FileManager.default.isExecutableFile(atPath: tool.path),
            "install the Debian package systemd, this test runs its systemd-analyze")
        let process = Process()
        let pipe = Pipe()
        process.executableURL = tool
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
