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
        "\("reference".padded(to: width))  outcome    evidence  sent+asked      ms  message"
    }

    func row(reference: String, _ report: ReplyReport, elapsed: Duration) -> String {
        let outcome = coloured((report.isFinal ? report.outcome : "\(report.outcome) …").printable.padded(to: 11), report)
        let milliseconds = Decimals.text(elapsed / .milliseconds(1), 0)
        let missing = String(repeating: " ", count: max(0, 8 - milliseconds.count))
        let cells = [
            reference.printable.padded(to: width), outcome + report.evidence.printable.padded(to: 8),
            report.effort.printable.padded(to: 10) + missing + milliseconds, report.words.printable,
        ]
        return cells.joined(separator: "  ")
    }

    private func coloured(_ text: String, _ report: ReplyReport) -> String {
        guard hasColours else { return text }
        let colour = report.outcome == "succeeded" ? 32 : report.isFinal ? 31 : 33
        return "\u{1B}[\(colour)m\(text)\u{1B}[0m"
    }
}
