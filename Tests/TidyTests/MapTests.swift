import Testing

@Suite("The map of the sources")
struct MapTests {
    /// One target of the package that stands in `Sources`.
    private struct Target: Hashable {
        var name: String
        /// The targets of this package that it uses, in the order of their names.
        var uses: [String]
    }

    @Test("Sources/README.md lists every target with the targets that it uses, as Package.swift has them")
    func targets() throws {
        let manifest = Self.targets(ofManifest: try SourceTree.text("Package.swift"))
        #expect(manifest.count > 15)
        #expect(Set(try Self.rows().map(\.target)) == Set(manifest))
    }

    /// The compiler's own check lets a target import what one of its dependencies uses.
    @Test("a target imports exactly the targets that it declares")
    func imports() throws {
        let targets = Self.targets(ofManifest: try SourceTree.text("Package.swift"))
        let names = Set(targets.map(\.name))
        for target in targets where SourceTree.exists("Sources/\(target.name)") {
            let lines = try SourceTree.swiftFiles(in: ["Sources/\(target.name)"]).flatMap { try SourceTree.lines($0) }
            let imported = lines.compactMap { $0.wholeMatch(of: /(?:@?\w+ )*import (\w+)/)?.1 }
            #expect(Set(imported.map(String.init)).intersection(names).sorted() == target.uses, "\(target.name)")
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
            #expect(Set(row.target.uses).isSubset(of: names[..<index]), "\(row.target.name)")
        }
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
