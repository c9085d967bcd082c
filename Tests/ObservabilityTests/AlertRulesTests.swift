import Foundation
import Testing

@testable import Observability

@Suite("The alert rules")
struct AlertRulesTests {
    @Test("ask for metrics that there are, by labels that they have")
    func metrics() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "deploy/alerts.yml"), encoding: .utf8)
        let questions = text.split(separator: "\n").filter { $0.contains("expr:") }
        #expect(questions.count == text.matches(of: /- alert:/).count)
        #expect(questions.count >= 6)
        for question in questions {
            let asked = question.matches(of: /(bos_[a-z_]+)(?:\{([a-z]+))?/)
            #expect(!asked.isEmpty, "\(question)")
            for match in asked {
                let metric = try #require(MetricName(rawValue: String(match.1)), "\(match.1)")
                if let label = match.2 { #expect(metric.row.labels.contains(String(label)), "\(question)") }
            }
        }
    }
}
