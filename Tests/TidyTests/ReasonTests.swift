import Testing

@Suite("Reasons")
struct ReasonTests {
    @Test("a task without a parent and an unchecked promise to the compiler have their reason beside them")
    func reasons() throws {
        let found = try SourceTree.swiftFiles(in: ["Sources"]).flatMap { path in
            Self.unexplained(in: try SourceTree.lines(path), of: path)
        }
        #expect(found == [])
    }

    @Test("one without a reason is found")
    func findings() {
        // Lines 3 and 7 lack a reason. Lines 2 and 6 have one on the line before.
        let lines: [Substring] = [
            "/// Locked by the queue.", "final class A: @unchecked Sendable {}", "final class B: @unchecked Sendable {}", "",
            "// Outlives the caller on purpose.", "Task { }", "let task = Task.detached { }",
        ]
        #expect(Self.unexplained(in: lines, of: "f").map(\.line) == [3, 7])
    }

    private static func unexplained(in lines: [Substring], of path: String) -> [Finding] {
        lines.enumerated().compactMap { index, line in
            guard line.contains(/\bTask(\.detached)?\s*(\([^)]*\))?\s*\{|@unchecked|nonisolated\(unsafe\)/) else { return nil }
            let isExplained = line.contains("//") || (index > 0 && lines[index - 1].contains(/^\s*\/\//))
            return isExplained ? nil : Finding(path, line: index + 1, detail: "say why in a comment on the line before")
        }
    }
}
