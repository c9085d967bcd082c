import Foundation
import Testing

@testable import Daemon

/// Checks the unit files of this repository with the machine's `systemd-analyze`.
@Suite("systemd units", .timeLimit(.minutes(2)))
struct ServiceUnitTests {
    private static let programs = ["bos-worker", "bos-poller"]

    private static func unit(_ program: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "systemd/\(program).service")
    }

    @Test("systemd-analyze verify finds no fault in a unit", arguments: programs)
    func unitIsValid(program: String) throws {
        let (status, output) = try Self.verify(String(contentsOf: Self.unit(program), encoding: .utf8), of: program)
        #expect(status == 0)
        #expect(output == "")
    }

    @Test("systemd-analyze verify finds a misspelled line and a missing program", arguments: programs)
    func invalidUnitIsFound(program: String) throws {
        let text = try String(contentsOf: Self.unit(program), encoding: .utf8)
        #expect(try Self.verify(text.replacing("ProtectHome=", with: "ProtectHomes="), of: program).output.contains("ProtectHomes"))
        #expect(try Self.verify(text.replacing("bin/\(program)", with: "bin/other"), of: program).status != 0)
    }

    @Test("systemd-analyze security rates the exposure of a unit as low", arguments: programs)
    func exposureIsLow(program: String) throws {
        let (status, output) = try Self.run(["security", "--offline=true", "--threshold=15", Self.unit(program).path])
        #expect(status == 0, "\(output)")
        #expect(output.contains("Overall exposure level"))
    }

    @Test("a unit leaves the boot id readable: without it a clock that jumps could end a doubt's wait too early", arguments: programs)
    func bootIDIsReadable(program: String) throws {
        #expect(try !String(contentsOf: Self.unit(program), encoding: .utf8).contains("\nProcSubset="))
    }

    @Test("a unit starts after time-sync.target, once the machine's clock is set", arguments: programs)
    func startsAfterTimeSync(program: String) throws {
        let text = try String(contentsOf: Self.unit(program), encoding: .utf8)
        for line in [/\nWants=.*time-sync\.target/, /\nAfter=.*time-sync\.target/] { #expect(text.contains(line)) }
    }

    @Test("systemd waits for readiness, and for longer than the drain time-out when it stops a unit", arguments: programs)
    func stopTimeout(program: String) throws {
        let text = try String(contentsOf: Self.unit(program), encoding: .utf8)
        let stop = try #require(text.firstMatch(of: /TimeoutStopSec=(\d+)s/)).1
        #expect(Duration.seconds(try #require(Int(stop))) > Settings(for: .worker).drainTimeout)
        #expect(text.contains("\nType=notify\n"))
        #expect(text.contains("\nExecStart=/usr/local/bin/\(program)\n"))
    }

    @Test("both units use the same user and the same folder for the ledger")
    func unitsShareTheLedger() throws {
        let lines = try Self.programs.map { program in
            try String(contentsOf: Self.unit(program), encoding: .utf8).split(separator: "\n")
                .filter { $0.firstMatch(of: /^(User|StateDirectory|StateDirectoryMode|DynamicUser|UMask)=/) != nil }
        }
        #expect(lines[0].count == 5)
        #expect(lines[0] == lines[1])
    }

    @Test("the variables in the comments of a unit exist", arguments: programs)
    func variablesExist(program: String) throws {
        let text = try String(contentsOf: Self.unit(program), encoding: .utf8)
        let names = text.matches(of: /BOS_[A-Z_]+/).map { String($0.0) }
        let known = SettingKey.allNames.map { SettingKey.environmentName(of: $0) }
        #expect(!names.isEmpty)
        #expect(names.allSatisfy(known.contains))
    }

    /// Verifies a unit below a temporary root folder, because the programs are not installed on the machine that runs the tests. The folder
    /// has systemd's units, and an executable at the path of the unit's program.
    private static func verify(_ text: String, of program: String) throws -> (status: Int32, output: String) {
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
            "install the Debian package systemd: this test runs its systemd-analyze")
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
