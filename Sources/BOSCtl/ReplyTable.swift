/// The table a person reads: a row for each reply.
struct ReplyTable: Sendable {
    private let width: Int
    private let hasColours: Bool

    /// - Parameter width: the length of the longest reference, in characters.
    init(referenceWidth width: Int, hasColours: Bool) {
        self.width = min(max(width, 9), 40)
        self.hasColours = hasColours
    }

    var header: String {
        "\(Self.padded("reference", width))  outcome    evidence  sent+asked        ms  message"
    }

    func row(reference: String, _ report: ReplyReport, elapsed: Duration) -> String {
        let outcome = coloured(Self.padded(report.isFinal ? report.outcome : "\(report.outcome) …", 11), report)
        let milliseconds = Decimals.text(elapsed / .milliseconds(1), 0)
        let missing = String(repeating: " ", count: max(0, 8 - milliseconds.count))
        return
            "\(Self.padded(reference, width))  \(outcome)\(Self.padded(report.evidence, 8))  \(Self.padded(report.effort, 10))\(missing)\(milliseconds)  \(report.words)"
    }

    private func coloured(_ text: String, _ report: ReplyReport) -> String {
        guard hasColours else { return text }
        let colour = report.outcome == "succeeded" ? 32 : report.isFinal ? 31 : 33
        return "\u{1B}[\(colour)m\(text)\u{1B}[0m"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        // What a reply brings must not move the cursor or break the row.
        let safe = String(text.map { $0.isNewline || $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? "?" : $0 })
        return safe + String(repeating: " ", count: max(0, width - safe.count))
    }
}
