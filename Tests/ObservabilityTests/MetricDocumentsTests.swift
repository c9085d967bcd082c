import Foundation
import Testing

@testable import Observability

@Suite("The alert rules")
struct AlertRulesTests {
    /// What Prometheus itself adds to every series.
    private static let added = ["instance", "job"]

    @Test("ask for metrics that there are, by labels that they have, and count what two processes export once")
    func rules() throws {
        let rules = try text("deploy/alerts.yml").split(separator: "- alert:").dropFirst()
        #expect(rules.count >= 9)
        for rule in rules {
            let question = try #require(rule.split(separator: "\n").first { $0.contains("expr:") })
            guard let name = question.firstMatch(of: /bos_[a-z_]+/) else {
                #expect(question.contains("up{"), "\(question)")
                continue
            }
            let metric = try #require(MetricName(rawValue: String(name.0)), "\(question)")
            #expect(question.contains("max"), "\(question)")
            for label in Self.labels(in: rule) {
                #expect(metric.row.labels.contains(label) || Self.added.contains(label), "\(label): \(question)")
            }
        }
    }

    private static func labels(in rule: Substring) -> [String] {
        let selected = rule.matches(of: /\{([a-z]+)=/).map { String($0.1) }
        let grouped = rule.matches(of: /by \(([a-z, ]+)\)/).flatMap { $0.1.split(separator: ", ").map(String.init) }
        return selected + grouped + rule.matches(of: /\$labels\.([a-z]+)/).map { String($0.1) }
    }
}

@Suite("The table of metrics for operators")
struct MetricTableTests {
    @Test("holds every metric with its labels, its kind and its help text")
    func table() throws {
        let rows = MetricName.allCases.map { metric in
            let labels = metric.row.labels.isEmpty ? "" : "{\(metric.row.labels.joined(separator: ","))}"
            return "| `\(metric.rawValue)\(labels)` | \(metric.row.kind.typeName) | \(metric.row.help) |"
        }
        let table = (["| metric | kind | meaning |", "|---|---|---|"] + rows).joined(separator: "\n")
        let text = try text("deploy/docs/operating.md")
        #expect(text.contains("\n\(table)\n"), "put this into deploy/docs/operating.md:\n\(table)")
    }
}

/// The text of a file of this repository.
private func text(_ path: String) throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: path), encoding: .utf8)
}
