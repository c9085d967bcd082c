import Foundation
import Testing

/// A table of a document whose rows the program itself knows, such as the table of all configuration keys.
package struct DocumentTable {
    /// Relative to the root of the repository.
    private let path: String
    /// The first line of the table.
    private let head: String
    private let rows: [String]

    /// - Parameters:
    ///   - columns: the names in the first line. No other table of the document has the same first line.
    ///   - rows: the cells of each line.
    package init(in path: String, columns: [String], rows: [[String]]) {
        self.path = path
        head = Self.line(columns)
        self.rows = rows.map(Self.line)
    }

    /// The document's text, for checks besides the table.
    package static func text(_ path: String) throws -> String { try String(contentsOf: file(path), encoding: .utf8) }

    /// Expects the document to hold exactly these rows, in this order. With the environment variable `BOS_UPDATE_DOCUMENTS` it writes them
    /// into the document first, so that no row is typed twice.
    package func expectCurrent() throws {
        if ProcessInfo.processInfo.environment["BOS_UPDATE_DOCUMENTS"] != nil { try update() }
        let shown = try current().rows
        let advice = "\(path) is brought up to date by BOS_UPDATE_DOCUMENTS=1 deploy/test --filter with this test's suite"
        try #require(rows.filter { !shown.contains($0) } == [], "rows that are missing; \(advice)")
        try #require(shown.filter { !rows.contains($0) } == [], "rows that are of no use any more; \(advice)")
        let isInOrder = shown == rows
        #expect(isInOrder, "a row stands twice, or in another place; \(advice)")
    }

    private func update() throws {
        var (lines, range, _) = try current()
        lines.replaceSubrange(range, with: rows)
        try Data(lines.joined(separator: "\n").utf8).write(to: Self.file(path), options: .atomic)
    }

    /// All lines of the document, and where the table's rows are.
    private func current() throws -> (lines: [String], range: Range<Int>, rows: [String]) {
        let lines = try Self.text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let start = try #require(lines.firstIndex(of: head), "\(path) has no table with the first line \(head)") + 2
        let end = lines[start...].firstIndex { !$0.hasPrefix("|") } ?? lines.endIndex
        return (lines, start..<end, Array(lines[start..<end]))
    }

    private static func line(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |" }

    private static func file(_ path: String) -> URL {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return root.appending(path: path)
    }
}
