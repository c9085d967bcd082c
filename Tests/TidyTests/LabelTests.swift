import Testing

@Suite("Argument labels")
struct LabelTests {
    /// Holds an example of what it looks for.
    private static let thisFile = "Tests/TidyTests/LabelTests.swift"

    @Test("a function or an initialiser has at most one argument without a label")
    func unlabelled() async throws {
        let found = try await SyntaxFacts.all().flatMap(Self.unlabelled)
        #expect(found == [])
    }

    @Test("a function has at most six parameters")
    func parameters() async throws {
        let found = try await SyntaxFacts.all().flatMap(Self.manyParameters)
        #expect(found == [])
    }

    @Test("a boolean has a label")
    func booleans() throws {
        let paths = try SourceTree.swiftFiles().filter { $0 != Self.thisFile }
        let bare = try paths.flatMap { path in Self.bareBooleans(in: try SourceTree.lines(path), of: path) }
        #expect(bare == [])
    }

    @Test("what breaks these rules is found, and operators are free")
    func findings() throws {
        let source = """
            func one(_ a: Int, b: Int) {}
            func two(_ a: Int, _ b: Int) {}
            struct S { init(_ a: Int, _ b: Int) {} }
            func == (_ a: S, _ b: S) -> Bool { true }
            func many(a: Int, b: Int, c: Int, d: Int, e: Int, f: Int, g: Int) {}
            func flag(_ isOn: Bool) {}
            """
        let facts = try SyntaxFacts(source: source)
        #expect(Self.unlabelled(facts).map(\.line) == [2, 3])
        #expect(Self.manyParameters(facts).map(\.line) == [5])
        #expect(Self.bareBooleans(in: source.split(separator: "\n"), of: "f").map(\.line) == [6])
    }

    /// The name and the value of a JSON member. A hundred calls read like the entries of a dictionary.
    private static let exempt = "Sources/ExactJSON/JSONValue.swift"

    private static func unlabelled(_ facts: SyntaxFacts) -> [Finding] {
        facts.functions.filter { !$0.isOperator && $0.labels.count { $0 == "_" } > 1 && facts.path != exempt }.map {
            Finding(facts.path, line: $0.firstLine, detail: "\($0.name): give all arguments but one a label")
        }
    }

    /// An initialiser may have more: it is how the struct is made that a function with many parameters is asked to take.
    private static func manyParameters(_ facts: SyntaxFacts) -> [Finding] {
        facts.functions.filter { $0.labels.count > 6 && !$0.name.hasPrefix("init") }.map {
            Finding(facts.path, line: $0.firstLine, detail: "\($0.name): put what belongs together into a struct")
        }
    }

    private static func bareBooleans(in lines: [Substring], of path: String) -> [Finding] {
        lines.enumerated().filter { $1.contains(/[(\s]_ \w+: Bool\b/) }.map {
            Finding(path, line: $0.offset + 1, detail: "a call shows only true or false; give the argument a label")
        }
    }
}
