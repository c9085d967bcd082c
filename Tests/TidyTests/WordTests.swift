import Testing

@Suite("Words")
struct WordTests {
    /// Words that hide who acts. Name the worker, the poller, the run, the caller, the operator, BOS or the broker.
    private static let banned = ["whoever", "nobody", "somebody", "everybody"]

    private static let folders = ["Sources", "Tests", "deploy", "systemd"]
    /// Names the words that it looks for.
    private static let thisFile = "Tests/TidyTests/WordTests.swift"

    @Test("no text hides who acts")
    func banned() throws {
        let paths = try Self.folders.flatMap { try SourceTree.files(in: $0) } + ["README.md", "Package.swift", ".ci/run"]
        let found = try paths.filter { $0 != Self.thisFile }.flatMap { path in
            Self.bannedWords(in: try SourceTree.lines(path), of: path)
        }
        #expect(found == [])
    }

    @Test("each such word is found, small or capital, and no longer word that contains it")
    func findings() {
        for word in Self.banned {
            let lines: [Substring] = ["/// \(word.uppercased()) acts.", "let \(word)Else = 1", "told by \(word)"]
            #expect(Self.bannedWords(in: lines, of: "f").map(\.line) == [1, 3], "\(word)")
        }
    }

    private static func bannedWords(in lines: [Substring], of path: String) -> [Finding] {
        lines.enumerated().compactMap { index, line in
            let words = line.lowercased().split { !$0.isLetter }
            return words.first { banned.contains(String($0)) }.map { Finding(path, line: index + 1, detail: "\"\($0)\": name who acts") }
        }
    }
}
