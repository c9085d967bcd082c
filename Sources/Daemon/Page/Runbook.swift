/// The sections of operating.md, to which the status page leads. The file is read once, at the start.
struct Runbook: Sendable {
    struct Section: Sendable, Equatable {
        /// The heading without its number signs.
        var title: String
        /// The name of the section in a link, as GitHub makes it.
        var slug: String
        /// The text below the heading, up to the next heading of the same level or a higher one.
        var text: String
    }

    /// Where `deploy/install` puts the document.
    static let installed = "/usr/share/doc/bos-worker/operating.md"

    let path: String
    /// In the order of the document. Empty if the file could not be read.
    let sections: [Section]
    /// Why the file could not be read; `nil` if it was.
    let problem: String?

    /// - Parameter path: `http.runbook`.
    init(path: String) {
        self.path = path
        do throws(BoundedFile.ReadFailure) {
            sections = Self.sections(of: String(decoding: try BoundedFile.read(path), as: UTF8.self))
            problem = nil
        } catch {
            sections = []
            problem = "\(path) cannot be read: \(error.clause). Set http.runbook to the path of operating.md."
        }
    }

    static func sections(of document: String) -> [Section] {
        var isCode = false
        var headings: [(level: Int, title: String, line: Int)] = []
        let lines = document.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            if line.hasPrefix("```") { isCode.toggle() }
            let level = line.prefix { $0 == "#" }.count
            guard !isCode, (2...3).contains(level), line.dropFirst(level).first == " " else { continue }
            headings.append((level, String(line.dropFirst(level + 1)), number))
        }
        return headings.enumerated().map { index, heading in
            let end = headings[(index + 1)...].first { $0.level <= heading.level }?.line ?? lines.count
            let text = lines[(heading.line + 1)..<end].joined(separator: "\n")
            return Section(title: heading.title, slug: slug(heading.title), text: text.trimmingNewlines)
        }
    }

    /// Letters and digits in lower case, and a hyphen for each space.
    private static func slug(_ title: String) -> String {
        let kept = title.lowercased().filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
        return kept.replacing(" ", with: "-")
    }
}

extension String {
    fileprivate var trimmingNewlines: String {
        let body = drop { $0 == "\n" }
        return String(body.reversed().drop { $0 == "\n" }.reversed())
    }
}
