import Foundation
import Testing

@testable import Daemon

/// Asks the real `systemd-analyze` about the real unit files.
@Suite("The systemd units", .timeLimit(.minutes(2)))
struct ServiceUnitTests {
    private static let programs = ["bos-worker", "bos-poller"]

    private static func unit(_ program: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "systemd/\(program).service")
    }

    @Test("systemd finds nothing wrong with it", arguments: programs)
    func verify(program: String) throws {
        let (status, output) = try Self.verify(String(contentsOf: Self.unit(program), encoding: .utf8), program)
        #expect(status == 0)
        #expect(output == "")
    }

    @Test("the check above would find a misspelled line and a missing program", arguments: programs)
    func verifyIsStrict(program: String) throws {
        let text = try String(contentsOf: Self.unit(program), encoding: .utf8)
        #expect(try Self.verify(text.replacing("ProtectHome=", with: "ProtectHomes="), program).output.contains("ProtectHomes"))
        #expect(try Self.verify(text.replacing("bin/\(program)", with: "bin/other"), program).status != 0)
    }

    @Test("systemd calls its exposure low", arguments: programs)
    func security(program: String) throws {
        let (status, output) = try Self.run(["security", "--offline=true", "--threshold=15", Self.unit(program).path])
        #expect(status == 0, "\(output)")
        #expect(output.contains("Overall exposure level"))
    }

    @Test("it leaves the machine's boot id readable: without it a clock that jumps could end the wait of a doubt", arguments: programs)
    func bootID(program: String) throws {
        #expect(try !String(contentsOf: Self.unit(program), encoding: .utf8).contains("\nProcSubset="))
    }

    @Test("it starts once the clock is right, where the machine says when that is", arguments: programs)
    func clock(program: String) throws {
        let text = try String(contentsOf: Self.unit(program), encoding: .utf8)
        for line in [/\nWants=.*time-sync\.target/, /\nAfter=.*time-sync\.target/] { #expect(text.contains(line)) }
    }

    @Test("it stops later than the drain time-out, and waits for readiness", arguments: programs)
    func timeouts(program: String) throws {
        let text = try String(contentsOf: Self.unit(program), encoding: .utf8)
        let stop = try #require(text.firstMatch(of: /TimeoutStopSec=(\d+)s/)).1
        #expect(Duration.seconds(try #require(Int(stop))) > Settings(for: .worker).drainTimeout)
        #expect(text.contains("\nType=notify\n"))
        #expect(text.contains("\nExecStart=/usr/local/bin/\(program)\n"))
    }

    @Test("both keep the ledger in one folder of one user")
    func sharing() throws {
        let lines = try Self.programs.map { program in
            try String(contentsOf: Self.unit(program), encoding: .utf8).split(separator: "\n")
                .filter { $0.firstMatch(of: /^(User|StateDirectory|StateDirectoryMode|DynamicUser|UMask)=/) != nil }
        }
        #expect(lines[0].count == 5)
        #expect(lines[0] == lines[1])
    }

    @Test("the variables in its comments exist", arguments: programs)
    func variables(program: String) throws {
        let text = try String(contentsOf: Self.unit(program), encoding: .utf8)
        let names = text.matches(of: /BOS_[A-Z_]+/).map { String($0.0) }
        let known = SettingKey.allNames.map { SettingKey.environmentName(of: $0) }
        #expect(!names.isEmpty)
        #expect(names.allSatisfy(known.contains))
    }

    /// Verifies below a folder of its own that has systemd's units and an executable where the unit expects its program,
    /// because nothing is installed on the machine that runs the tests.
    private static func verify(_ text: String, _ program: String) throws -> (status: Int32, output: String) {
        let files = FileManager.default
        let root = files.temporaryDirectory.appending(path: "bos-unit-\(UUID().uuidString)")
        defer { try? files.removeItem(at: root) }
        for folder in ["etc/systemd/system", "usr/local/bin", "usr/lib/systemd", "bin"] {
            try files.createDirectory(at: root.appending(path: folder), withIntermediateDirectories: true)
        }
        try files.copyItem(atPath: "/usr/lib/systemd/system", toPath: root.appending(path: "usr/lib/systemd/system").path)
        for path in ["usr/local/bin/\(program)", "bin/kill"] {
            try files.copyItem(atPath: "/bin/kill", toPath: root.appending(path: path).path)
        }
        let unit = root.appending(path: "etc/systemd/system/\(program).service")
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
