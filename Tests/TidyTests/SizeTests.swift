import Testing

@Suite("Sizes")
struct SizeTests {
    static let longestFile = 400
    static let longestFunction = 70
    static let largestFolder = 15

    @Test("a file has at most 400 lines")
    func files() throws {
        let long = try SourceTree.swiftFiles().compactMap { path -> Finding? in
            let count = try SourceTree.lines(path).count - 1
            return count > Self.longestFile ? Finding(path, detail: "\(count) lines; \(Self.longestFile) are allowed") : nil
        }
        #expect(long == [])
    }

    @Test("a function has at most 70 lines")
    func functions() async throws {
        let long = try await SyntaxFacts.all().flatMap(Self.longFunctions)
        #expect(long == [])
    }

    @Test("a longer function is found")
    func longFunction() throws {
        let body = Array(repeating: "    print()", count: Self.longestFunction).joined(separator: "\n")
        let facts = try SyntaxFacts(source: "func short() { print() }\nfunc long() {\n\(body)\n}\n")
        #expect(Self.longFunctions(facts).map(\.line) == [2])
    }

    @Test("a folder holds at most 15 source files")
    func folders() throws {
        let counts = Dictionary(grouping: try SourceTree.swiftFiles()) { $0.split(separator: "/").dropLast().joined(separator: "/") }
        let full = counts.filter { $1.count > Self.largestFolder }.map { folder, files in
            Finding(folder, detail: "\(files.count) files; \(Self.largestFolder) are allowed")
        }
        #expect(full.sorted { $0.path < $1.path } == [])
    }

    private static func longFunctions(_ facts: SyntaxFacts) -> [Finding] {
        facts.functions.filter { $0.length > longestFunction }.map {
            Finding(facts.path, line: $0.firstLine, detail: "\($0.name) has \($0.length) lines; \(longestFunction) are allowed")
        }
    }
}
