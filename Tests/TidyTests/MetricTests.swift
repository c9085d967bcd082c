import Testing

@Suite("Metrics")
struct MetricTests {
    private static let table = "Sources/Observability/Metrics/MetricName.swift"

    @Test("each metric that a program makes is a row of MetricName, and each row is made somewhere")
    func metrics() throws {
        let rows = Self.rows(of: try SourceTree.text(Self.table))
        #expect(rows.count > 30)
        let others = try SourceTree.swiftFiles(in: ["Sources"]).filter { $0 != Self.table }
        let texts = try others.map { (path: $0, text: try SourceTree.text($0)) }
        let unknown = texts.flatMap { Self.unknown(in: $0.text, of: $0.path, rows: rows) }
        #expect(unknown == [])
        let unmade = Self.unmade(rows, in: texts.map(\.text))
        #expect(unmade == [])
    }

    @Test("a metric without a row is found, and so is a row that no code makes")
    func findings() {
        let rows = Self.rows(of: "case made = \"bos_made\"\ncase read = \"bos_read\"\ncase left = \"bos_left\"")
        let text = "Counter(label: \"bos_made\")\nregistry.observe(.read) { 1 }\nGauge(label: \"bos_mde\")"
        #expect(Self.unknown(in: text, of: "f", rows: rows).map(\.detail) == ["bos_mde is no row of MetricName"])
        #expect(Self.unmade(rows, in: [text]).map(\.detail) == ["no code makes bos_left"])
    }

    /// The cases of `MetricName` and their names on the page.
    private static func rows(of text: String) -> [String: String] {
        let pairs = text.matches(of: /case (\w+) = "(bos_\w+)"/).map { (String($0.1), String($0.2)) }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    private static func names(in text: String) -> Set<String> { Set(text.matches(of: /"(bos_\w+)"/).map { String($0.1) }) }

    private static func unknown(in text: String, of path: String, rows: [String: String]) -> [Finding] {
        names(in: text).subtracting(rows.values).sorted().map { Finding(path, detail: "\($0) is no row of MetricName") }
    }

    private static func unmade(_ rows: [String: String], in texts: [String]) -> [Finding] {
        let named = texts.reduce(into: Set<String>()) { $0.formUnion(names(in: $1)) }
        let observed = texts.reduce(into: Set<String>()) { cases, text in
            cases.formUnion(text.matches(of: /observe\(\s*\.(\w+)/).map { String($0.1) })
        }
        let unmade = rows.filter { !named.contains($0.value) && !observed.contains($0.key) }
        return unmade.values.sorted().map { Finding(table, detail: "no code makes \($0)") }
    }
}
