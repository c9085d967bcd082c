import Testing

@Suite("The rooms of the engine")
struct RoomTests {
    private struct Room {
        var name: String
        /// Without comments.
        var text: String
        /// The types that its files declare at the top.
        var types: Set<String>
    }

    @Test("a room uses only rooms that stand above it in Sources/README.md")
    func order() throws {
        let rooms = try Self.listed().map(Self.room)
        let (listed, folders) = (Set(rooms.map(\.name)), Set(try Self.folders()))
        #expect(folders.subtracting(listed) == [], "Sources/README.md does not list this room")
        #expect(listed.subtracting(folders) == [], "Sources/README.md lists this room, and it has no files")
        for (index, room) in rooms.enumerated() {
            let below = rooms[(index + 1)...].reduce(into: Set<String>()) { $0.formUnion($1.types) }
            #expect(Self.words(of: room.text).intersection(below) == [], "\(room.name) uses this of a room below it")
        }
    }

    /// The rooms in the order of the table.
    private static func listed() throws -> [String] {
        try SourceTree.lines("Sources/README.md").compactMap { line in
            line.firstMatch(of: /^\| \[\w+\]\(JobEngine\/(\w+)\) \|/).map { String($0.1) }
        }
    }

    private static func folders() throws -> [String] {
        try SourceTree.swiftFiles(in: ["Sources/JobEngine"]).map { String($0.split(separator: "/")[2]) }
    }

    private static func room(_ name: String) throws -> Room {
        let lines = try SourceTree.swiftFiles(in: ["Sources/JobEngine/\(name)"]).flatMap { try SourceTree.lines($0) }
        let code = lines.map { $0.prefix(upTo: $0.firstRange(of: "//")?.lowerBound ?? $0.endIndex) }
        let types = code.compactMap { line in
            line.firstMatch(of: /^(?:package |private |final )*(?:struct|class|enum|actor|protocol) (\w+)/).map { String($0.1) }
        }
        return Room(name: name, text: code.joined(separator: "\n"), types: Set(types))
    }

    private static func words(of text: String) -> Set<String> {
        Set(text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
    }
}
