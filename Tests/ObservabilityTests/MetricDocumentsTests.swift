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
            let expression = try #require(rule.firstMatch(of: /expr:([\s\S]*?)\n +(?:for|labels):/)).1
            let metrics = try Self.metrics(in: expression)
            guard !metrics.isEmpty else {
                #expect(expression.contains("up{"), "\(expression)")
                continue
            }
            #expect(expression.contains("max"), "\(expression)")
            let known = Set(metrics.flatMap(\.row.labels) + Self.added)
            #expect(Self.labels(in: rule).filter { !known.contains($0) } == [], "\(expression)")
        }
    }

    /// The metrics of an expression. Expects each to have the labels that select its series.
    private static func metrics(in expression: Substring) throws -> [MetricName] {
        try expression.matches(of: /(bos_[a-z_]+)(?:\{([a-z]+)=)?/).map { match in
            let metric = try #require(MetricName(rawValue: String(match.1)), "\(expression)")
            if let label = match.2 { #expect(metric.row.labels.contains(String(label)) || added.contains(String(label)), "\(expression)") }
            return metric
        }
    }

    /// The labels that a rule groups by, or shows.
    private static func labels(in rule: Substring) -> [String] {
        rule.matches(of: /by \(([a-z, ]+)\)/).flatMap { $0.1.split(separator: ", ").map(String.init) }
            + rule.matches(of: /\$labels\.([a-z]+)/).map { String($0.1) }
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
