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
        // Lines 3 and 7 to 10 lack a reason. Lines 2 and 6 have one on the line before. Lines 11 and 12 only name the type.
        let lines: [Substring] = [
            "/// Locked by the queue.", "final class A: @unchecked Sendable {}", "final class B: @unchecked Sendable {}", "",
            "// Outlives the caller on purpose.", "Task { }", "let task = Task.detached { }",
            "Task<Void, Never> { }", "Task.immediate { }", "Task(", "let task: Task<Void, Never>?",
            "func start() -> Task<Void, Never> {",
        ]
        #expect(Self.unexplained(in: lines, of: "f").map(\.line) == [3, 7, 8, 9, 10])
    }

    private static func unexplained(in lines: [Substring], of path: String) -> [Finding] {
        lines.enumerated().compactMap { index, line in
            guard startsTask(line) || line.contains(/@unchecked|nonisolated\(unsafe\)/) else { return nil }
            let isExplained = line.contains("//") || (index > 0 && lines[index - 1].contains(/^\s*\/\//))
            return isExplained ? nil : Finding(path, line: index + 1, detail: "say why in a comment on the line before")
        }
    }

    /// A function that returns a task does not start one by its declaration.
    private static func startsTask(_ line: Substring) -> Bool {
        line.replacing("-> Task", with: "").contains(/\bTask(<[^>]*>)?(\.detached|\.immediate)?\s*(\([^)]*\)\s*\{|\{|\($)/)
    }
}
