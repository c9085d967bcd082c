import Testing

@Suite("The map of the sources")
struct MapTests {
    /// One target of the package that stands in `Sources`.
    private struct Target: Hashable, CustomStringConvertible {
        var name: String
        /// The targets of this package that it uses, in the order of their names.
        var uses: [String]

        var description: String { "\(name) uses \(uses.isEmpty ? "none" : uses.joined(separator: ", "))" }
    }

    @Test("Sources/README.md lists every target with the targets that it uses, as Package.swift has them")
    func targets() throws {
        let manifest = Self.targets(ofManifest: try SourceTree.text("Package.swift"))
        #expect(manifest.count > 15)
        let listed = try Self.rows().map(\.target)
        #expect(listed.filter { !manifest.contains($0) } == [], "Package.swift has this otherwise, or not at all")
        #expect(manifest.filter { !listed.contains($0) } == [], "Sources/README.md has this otherwise, or not at all")
    }

    /// The compiler's own check lets a target import what one of its dependencies uses.
    @Test("a target imports exactly the targets that it declares")
    func imports() throws {
        let targets = Self.targets(ofManifest: try SourceTree.text("Package.swift"))
        let names = Set(targets.map(\.name))
        for target in targets where SourceTree.exists("Sources/\(target.name)") {
            let lines = try SourceTree.swiftFiles(in: ["Sources/\(target.name)"]).flatMap { try SourceTree.lines($0) }
            let imported = Set(lines.compactMap(Self.module)).intersection(names)
            #expect(imported.subtracting(target.uses) == [], "\(target.name) imports this and does not declare it")
            #expect(Set(target.uses).subtracting(imported) == [], "\(target.name) declares this and does not import it")
        }
    }

    @Test("the first file of each target is there")
    func firstFiles() throws {
        let missing = try Self.rows().filter { !SourceTree.exists("Sources/\($0.file)") }.map(\.file)
        #expect(missing == [])
    }

    @Test("a target uses only targets that stand above it")
    func order() throws {
        let names = try Self.rows().map(\.target.name)
        for (index, row) in try Self.rows().enumerated() {
            #expect(row.target.uses.filter { !names[..<index].contains($0) } == [], "\(row.target.name) stands above this, and uses it")
        }
    }

    @Test("the module of an import is found, also that of a single declaration")
    func findings() {
        for line in ["import A", "@testable import A", "package import A", "import struct A.B", "@preconcurrency import A  // why"] {
            #expect(Self.module(importedBy: line[...]) == "A", "\(line)")
        }
        #expect(Self.module(importedBy: "// import A") == nil)
    }

    /// The module that this line imports, if it is an import.
    private static func module(importedBy line: Substring) -> String? {
        line.prefixMatch(of: /(?:@?\w+ )*import (?:(?:struct|class|enum|protocol|func|typealias|let|var) )?(\w+)/).map { String($0.1) }
    }

    /// The rows of the table of targets: target, purpose, first file, used targets.
    private static func rows() throws -> [(target: Target, file: String)] {
        try SourceTree.lines("Sources/README.md").compactMap { line in
            guard let match = line.wholeMatch(of: /\| `(\w+)` \|[^|]*\| \[[^\]]*\]\(([^)]*)\) \|([^|]*)\|/) else { return nil }
            let uses = match.3.matches(of: /\w+/).map { String($0.output) }.filter { $0 != "none" }
            return (Target(name: String(match.1), uses: uses.sorted()), String(match.2))
        }
    }

    private static func targets(ofManifest text: String) -> [Target] {
        let declarations = text.split(separator: /\n {8}\.(?=\w+\()/).dropFirst()
        return declarations.compactMap { declaration in
            guard let name = declaration.firstMatch(of: /^(?:target|executableTarget|systemLibrary)\(\s*name: "(\w+)"/)?.1,
                !declaration.contains("path: \"Tests/")
            else { return nil }
            let list = declaration.firstMatch(of: /dependencies: \[([^\]]*)\]/)?.1 ?? ""
            return Target(name: String(name), uses: list.matches(of: /"(\w+)"/).map { String($0.output.1) }.sorted())
        }
    }
}
