import Foundation
import Testing

@testable import Observability

@Suite("The table of metrics for operators")
struct MetricTableTests {
    @Test("holds every metric with its labels, its kind and its help text")
    func table() throws {
        let rows = MetricName.allCases.map { metric in
            let labels = metric.row.labels.isEmpty ? "" : "{\(metric.row.labels.joined(separator: ","))}"
            return "| `\(metric.rawValue)\(labels)` | \(metric.row.kind.typeName) | \(metric.row.help) |"
        }
        let table = (["| metric | kind | meaning |", "|---|---|---|"] + rows).joined(separator: "\n")
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "deploy/docs/operating.md"), encoding: .utf8)
        #expect(text.contains("\n\(table)\n"), "put this into deploy/docs/operating.md:\n\(table)")
    }
}
