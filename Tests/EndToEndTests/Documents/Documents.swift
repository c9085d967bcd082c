import Foundation

/// The project's documents in the source tree.
enum Documents {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..").standardizedFileURL
    /// The folder of the documents that `deploy/install` installs beside README.md.
    static let folder = "deploy/docs"
    /// Where `deploy/install` puts them.
    static let installed = "/usr/share/doc/bos-worker/"

    /// The paths of all documents, from the root.
    static func paths() throws -> [String] {
        let others = try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path).sorted()
        let first = ["", "Sources/", "Tests/"].map { "\($0)README.md" }
        return first.filter(exists) + others.map { "\(folder)/\($0)" }
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path) }

    static func text(_ path: String) throws -> String { try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8) }

    /// The path, from the root, of a document that a text cites by its installed path, by its path from the root, or by its name alone.
    static func path(cited name: String) -> String {
        let bare = name.replacing(installed, with: "")
        return bare.contains("/") || bare == "README.md" ? bare : "\(folder)/\(bare)"
    }
}

/// The headings, links and tables of a Markdown document.
struct Document {
    /// The lines outside code fences.
    let lines: [Substring]

    init(_ text: String) {
        var isCode = false
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if line.hasPrefix("```") { isCode.toggle() }
            return !isCode
        }
    }

    /// The anchors of its sections, made from the headings as forges make them.
    func sections(atMost level: Int = 6) -> [String] {
        lines.compactMap { line in
            let marks = line.prefix { $0 == "#" }.count
            guard (1...level).contains(marks), line.dropFirst(marks).first == " " else { return nil }
            let kept = line.dropFirst(marks + 1).lowercased().filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
            return kept.replacing(" ", with: "-")
        }
    }

    /// The targets of its links, without those to other sites.
    var links: [(path: String, section: String?)] {
        lines.flatMap { $0.matches(of: /\]\(([^)\s]+)\)/) }.map { String($0.1) }.filter { !$0.hasPrefix("http") }.map { link in
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts.count == 2 ? parts[1] : nil)
        }
    }

    /// The paths of the source tree that it names in backquotes.
    var namedPaths: [String] {
        lines.flatMap { $0.matches(of: /`((?:Sources|Tests|deploy|systemd)\/[^`\s]+)/) }.map { String($0.1) }
    }

    /// The cells of the table rows whose first cell is this text.
    func rows(beginning first: String) -> [[String]] {
        lines.filter { $0.hasPrefix("| \(first) |") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }
}
