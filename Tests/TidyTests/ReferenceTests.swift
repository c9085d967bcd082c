import Foundation
import Testing

@Suite("References")
struct ReferenceTests {
    private static let folders = ["Sources", "Tests", "deploy", "systemd"]

    @Test("a file that a text names is there")
    func files() throws {
        let paths = try Self.folders.flatMap { try SourceTree.files(in: $0) } + ["README.md", "Package.swift", ".ci/run"]
        let names = Set(paths.map { $0.split(separator: "/").last ?? "" })
        let found = try paths.flatMap { path in Self.dead(in: try SourceTree.lines(path), of: path, names: names) }
        #expect(found == [])
    }

    @Test("a name of a file that is not there is found")
    func findings() {
        let lines: [Substring] = [
            "/// See Gone.swift and Here.swift.", "// deploy/gone does it", "// as deploy/test does, Sources/README.md says",
        ]
        #expect(
            Self.dead(in: lines, of: "Sources/Here.swift", names: ["Here.swift"]).map(\.detail) == [
                "Gone.swift is not there", "deploy/gone is not there",
            ])
    }

    /// Swift files are cited by their name alone, everything else by its path.
    private static func dead(in lines: [Substring], of path: String, names: Set<Substring>) -> [Finding] {
        lines.enumerated().flatMap { index, line -> [Finding] in
            guard isProse(line, of: path) else { return [] }
            let files = line.matches(of: /\b[A-Za-z0-9+]+\.swift\b/).map(\.output).filter { !names.contains($0) && $0 != "Package.swift" }
            let places = line.matches(of: /(?:^|[\s`(\["'])((?:Sources|Tests|deploy|systemd)\/[A-Za-z0-9_.\/+-]*[A-Za-z0-9])/).map(
                \.output.1
            )
            .filter { !SourceTree.exists(String($0)) }
            return (files + places).map { Finding(path, line: index + 1, detail: "\($0) is not there") }
        }
    }

    /// In code a path may be a part of another one; in comments and documents it is meant for a reader.
    private static func isProse(_ line: Substring, of path: String) -> Bool {
        if path.hasSuffix(".md") { return true }
        return line.contains(path.hasSuffix(".swift") ? /^\s*\/\// : /^\s*#/)
    }
}
