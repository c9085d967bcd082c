import BrokerKit
import Foundation
import Testing

extension EndToEnd {
    /// A build takes the package versions that were tested.
    @Suite struct Versions {
        @Test("compare_versions names the packages whose version differs from the tested one, and prints nothing if none does")
        func differingVersionsAreNamed() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            defer { try? FileManager.default.removeItem(at: folder) }
            let library = folder.appendingPathComponent("deploy/lib")
            try FileManager.default.createDirectory(at: library, withIntermediateDirectories: true)
            for name in ["common", "versions"] {
                try Documents.text("deploy/lib/\(name)").write(to: library.appendingPathComponent(name), atomically: true, encoding: .utf8)
            }
            let tested = try Documents.text("deploy/lib/versions").split(separator: "\n").filter { !$0.hasPrefix("#") }
            let (name, version) = try Self.parts(of: tested.last)

            #expect(try await Self.compare(tested.map { try Self.parts(of: $0) }, in: folder) == "0\n")
            let others = try tested.dropLast().map { try Self.parts(of: $0) } + [(name, "0.0.1"), ("zzz-unknown", "1.2.3")]
            let said = try await Self.compare(others, in: folder)
            let differences = "\n  tested:  \(name) \(version)\n  here:    \(name) 0.0.1\n  here:    zzz-unknown 1.2.3\n"
            #expect(said.hasSuffix("\(differences)1\n"), "\(said)")
        }

        /// Runs `compare_versions` for a build that takes these packages. Returns its output and its exit code.
        private static func compare(_ versions: [(name: String, version: String)], in folder: URL) async throws -> String {
            let pins = versions.map { "\"identity\" : \"\($0.name)\",\n\"state\" : {\n\"version\" : \"\($0.version)\"\n" }.joined()
            try pins.write(to: folder.appendingPathComponent("Package.resolved"), atomically: true, encoding: .utf8)
            let script = ". '\(folder.path)/deploy/lib/common'; code=0; compare_versions 2>&1 || code=$?; echo $code"
            return try await Tool.run("/bin/bash", arguments: ["-c", script])
        }

        private static func parts(of line: Substring?) throws -> (String, String) {
            let parts = try #require(line).split(separator: " ").map(String.init)
            try #require(parts.count == 2)
            return (parts[0], parts[1])
        }
    }
}
