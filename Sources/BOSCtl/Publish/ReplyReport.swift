import ExactJSON

/// The parts of a reply that `bosctl` shows.
struct ReplyReport: Sendable {
    let json: JSONValue
    let outcome: String
    let isFinal: Bool

    /// Returns `nil` if the message is not a readable reply.
    init?(_ body: [UInt8]) {
        guard let json = try? JSONValue.parse(body), case .string(let outcome)? = json["outcome"], case .bool(let isFinal)? = json["final"]
        else { return nil }
        self.json = json
        self.outcome = outcome
        self.isFinal = isFinal
    }

    var evidence: String { json["evidence"]?.text ?? "" }

    /// How often the job was sent to BOS and how often BOS was asked about it, such as `1+3`.
    var effort: String { "\(json["attempts"]?.text ?? "0")+\(json["enquiries"]?.text ?? "0")" }

    /// The code and the detail of the error. Without an error, the message of BOS.
    var message: String {
        guard let error = json["error"], let code = error["code"]?.text else { return json["message"]?.text ?? "" }
        let detail = error["detail"]?.text ?? ""
        return detail.isEmpty ? code : "\(code): \(detail)"
    }
}

/// The table of replies: one row for each reply.
struct ReplyTable: Sendable {
    private let width: Int
    private let hasColours: Bool

    /// - Parameter width: the length of the longest reference in characters. The column is 9 to 40 wide.
    init(referenceWidth width: Int, hasColours: Bool) {
        self.width = min(max(width, 9), 40)
        self.hasColours = hasColours
    }

    var header: String {
        "\("reference".padded(to: width))  outcome    evidence  sent+asked      ms  message"
    }

    func row(reference: String, _ report: ReplyReport, elapsed: Duration) -> String {
        let outcome = coloured((report.isFinal ? report.outcome : "\(report.outcome) …").printable.padded(to: 11), for: report)
        let milliseconds = Decimals.text(elapsed / .milliseconds(1), digits: 0)
        let missing = String(repeating: " ", count: max(0, 8 - milliseconds.count))
        let cells = [
            reference.printable.padded(to: width), outcome + report.evidence.printable.padded(to: 8),
            report.effort.printable.padded(to: 10) + missing + milliseconds, report.message.printable,
        ]
        return cells.joined(separator: "  ")
    }

    private func coloured(_ text: String, for report: ReplyReport) -> String {
        guard hasColours else { return text }
        let colour = report.outcome == "succeeded" ? 32 : report.isFinal ? 31 : 33
        return "\u{1B}[\(colour)m\(text)\u{1B}[0m"
    }
}
