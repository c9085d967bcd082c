import DocumentKit
import Events
import Testing

@Suite("Events")
struct EventTests {
    @Test("operating.md lists every event with its level and sentence, and no other")
    func table() throws {
        let rows = EventName.allCases.map { ["`\($0.rawValue)`", "\($0.row.level)", $0.row.sentence] }
        try DocumentTable(in: "deploy/docs/operating.md", columns: ["event", "level", "sentence"], rows: rows).expectCurrent()
    }

    @Test("each line that a program logs is an event, and each event is logged somewhere")
    func lines() throws {
        let texts = try SourceTree.swiftFiles(in: ["Sources"]).filter { !$0.hasPrefix("Sources/Events/") }.map { path in
            (path: path, text: try SourceTree.text(path))
        }
        let found = texts.flatMap { Self.eventless(in: $0.text, of: $0.path) }
        #expect(found == [])
        let logged = texts.reduce(into: Set<String>()) { names, file in
            names.formUnion(file.text.matches(of: /\.([a-z]\w+)/).map { String($0.output.1) })
        }
        #expect(EventName.allCases.filter { !logged.contains("\($0)") } == [])
    }

    @Test("a line without an event is found")
    func findings() {
        let text = """
            logger.log(.jobFinished, metadata)
            self.logger.notice("job finished")
            logger
                .error("x")
            logger.log(level: .info, "y")
            """
        #expect(Self.eventless(in: text, of: "f").count == 3)
    }

    private static func eventless(in text: String, of path: String) -> [Finding] {
        text.matches(of: /[lL]ogger\??\s*\.(?:trace\(|debug\(|info\(|notice\(|warning\(|error\(|critical\(|log\(level:)/).map {
            Finding(path, detail: "\($0.output)…: log an event of EventName")
        }
    }
}
