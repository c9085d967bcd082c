import Foundation

/// What the rules need to know about the syntax of one Swift file.
///
/// The compiler's own parser reads the file (`swift-frontend -dump-parse`), so the rules need no parser of their own and no package.
struct SyntaxFacts: Sendable {
    /// A function, an initialiser or a subscript that the file declares.
    struct Function: Sendable {
        /// With its argument labels, for example `update(_:owner:)`.
        var name: String
        var firstLine: Int
        var lastLine: Int

        var length: Int { lastLine - firstLine + 1 }

        /// The argument labels in order; `_` where there is none.
        var labels: [Substring] {
            guard let opening = name.firstIndex(of: "(") else { return [] }
            return name[opening...].dropFirst().dropLast().split(separator: ":")
        }

        /// An operator's arguments have no labels in Swift.
        var isOperator: Bool { name.first.map { !$0.isLetter && $0 != "_" } ?? false }
    }

    /// One `case` of an enumeration.
    struct Case: Sendable {
        var name: String
        var line: Int
        /// The line in which the enumeration's declaration begins.
        var enumerationLine: Int
    }

    var path: String
    var functions: [Function] = []
    var cases: [Case] = []
    /// Names that stand behind a dot outside of a pattern: a case that is made is among them.
    var usedMembers: Set<String> = []
}

/// Why a file could not be read by the compiler's parser.
struct SyntaxDumpError: Error, CustomStringConvertible {
    var path: String
    var description: String { "\(path): swift-frontend -dump-parse printed no syntax tree" }
}

extension SyntaxFacts {
    /// The facts of every file in `Sources` and `Tests`. They are collected once for all tests.
    static func all() async throws -> [SyntaxFacts] { try await collection.value }

    private static let collection = Task {
        try await withThrowingTaskGroup(of: [SyntaxFacts].self) { group in
            let paths = try SourceTree.swiftFiles()
            let workers = max(1, ProcessInfo.processInfo.activeProcessorCount)
            for worker in 0..<workers {
                group.addTask {
                    try stride(from: worker, to: paths.count, by: workers).map { try SyntaxFacts(file: paths[$0]) }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// - Parameter file: relative to the root of the source tree, or absolute.
    init(file: String) throws {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["swift-frontend", "-dump-parse", file]
        process.currentDirectoryURL = SourceTree.root
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let dump = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard dump.starts(with: Data("(source_file".utf8)) else { throw SyntaxDumpError(path: file) }
        var reader = SyntaxDumpReader(facts: SyntaxFacts(path: file))
        dump.withUnsafeBytes { reader.read($0) }
        self = reader.facts
    }
}

extension SyntaxFacts {
    /// The facts of a text, for the tests of the rules themselves.
    init(source: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "tidy-\(UUID().uuidString).swift")
        try source.write(to: file, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        try self.init(file: file.path())
    }
}
