import ExactJSON

/// What a command shows: a table for people, or JSON for programs.
protocol Report {
    /// Lines of at most 100 columns where the values allow it.
    var lines: [String] { get }
    /// One JSON value a line. Names are in snake_case, amounts are rupees as in replies, times are RFC 3339. Subscriber numbers are masked.
    var json: [JSONValue] { get }
}

extension Console {
    /// Writes the report in the form that the operator asked for.
    func show(_ report: some Report) {
        if isJSON {
            for value in report.json { row(value.text) }
        } else {
            for line in report.lines { row(line) }
        }
    }
}

extension JSONValue {
    /// The encoded value.
    fileprivate var text: String { String(decoding: encoded, as: UTF8.self) }
}
