import Testing

@Suite("Enumerations")
struct CaseTests {
    @Test("every case of an enumeration is made somewhere")
    func cases() async throws {
        let sources = try await SyntaxFacts.all().filter { $0.path.hasPrefix("Sources/") }
        let found = try Self.unmade(in: sources) { try SourceTree.lines($0) }
        #expect(found == [])
    }

    @Test("a case that is only matched is found; one that is read from a raw value is not")
    func findings() throws {
        let source = """
            enum Own { case made, matched }
            enum Raw: String { case read }
            func use(_ own: Own) -> Own {
                switch own {
                case .made, .matched: .made
                }
            }
            """
        let facts = try SyntaxFacts(source: source)
        let found = Self.unmade(in: [facts]) { _ in source.split(separator: "\n") }
        #expect(found.map(\.detail) == ["no code makes the case matched"])
    }

    private static func unmade(in facts: [SyntaxFacts], lines: (String) throws -> [Substring]) rethrows -> [Finding] {
        let made = facts.reduce(into: Set<String>()) { $0.formUnion($1.usedMembers) }
        return try facts.flatMap { facts -> [Finding] in
            let unmade = facts.cases.filter { !made.contains($0.name) }
            guard !unmade.isEmpty else { return [] }
            let lines = try lines(facts.path)
            return unmade.filter { !lines[$0.enumerationLine - 1].contains(/:.*\b(String|Int|Int32|UInt8|CodingKey)\b/) }.map {
                Finding(facts.path, line: $0.line, detail: "no code makes the case \($0.name)")
            }
        }
    }
}
