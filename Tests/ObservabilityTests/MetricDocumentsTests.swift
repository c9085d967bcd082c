import DocumentKit
import Testing

@testable import Observability

@Suite("Alert rules")
struct AlertRulesTests {
    /// The labels that Prometheus adds to every series.
    private static let added = ["instance", "job"]

    @Test("a rule uses a metric and labels that exist, and takes the maximum of what two processes export")
    func rulesMatchMetrics() throws {
        let rules = try DocumentTable.text("deploy/alerts.yml").split(separator: "- alert:").dropFirst()
        #expect(rules.count >= 9)
        for rule in rules {
            let expression = try #require(rule.split(separator: "\n").first { $0.contains("expr:") })
            guard let name = expression.firstMatch(of: /bos_[a-z_]+/) else {
                #expect(expression.contains("up{"), "\(expression)")
                continue
            }
            let metric = try #require(MetricName(rawValue: String(name.0)), "\(expression)")
            #expect(expression.contains("max"), "\(expression)")
            for label in Self.labels(in: rule) {
                #expect(metric.row.labels.contains(label) || Self.added.contains(label), "\(label): \(expression)")
            }
        }
    }

    private static func labels(in rule: Substring) -> [String] {
        let selected = rule.matches(of: /\{([a-z]+)=/).map { String($0.1) }
        let grouped = rule.matches(of: /by \(([a-z, ]+)\)/).flatMap { $0.1.split(separator: ", ").map(String.init) }
        return selected + grouped + rule.matches(of: /\$labels\.([a-z]+)/).map { String($0.1) }
    }
}

@Suite("Table of metrics in operating.md")
struct MetricTableTests {
    @Test("the table holds every metric with its labels, its kind and its help text")
    func tableOfMetrics() throws {
        let rows = MetricName.allCases.map { metric in
            let labels = metric.row.labels.isEmpty ? "" : "{\(metric.row.labels.joined(separator: ","))}"
            return ["`\(metric.rawValue)\(labels)`", metric.row.kind.typeName, metric.row.help]
        }
        try DocumentTable(in: "deploy/docs/operating.md", columns: ["metric", "kind", "meaning"], rows: rows).expectCurrent()
    }
}
