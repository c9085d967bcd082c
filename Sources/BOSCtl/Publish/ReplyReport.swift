import ExactJSON

/// What a reply says, as far as it is shown.
struct ReplyReport: Sendable {
    let json: JSONValue
    let outcome: String
    let isFinal: Bool

    /// - Returns: `nil` if the message is no reply that can be read.
    init?(_ body: [UInt8]) {
        guard let json = try? JSONValue.parse(body), case .string(let outcome)? = json["outcome"], case .bool(let isFinal)? = json["final"]
        else { return nil }
        self.json = json
        self.outcome = outcome
        self.isFinal = isFinal
    }

    var evidence: String { json["evidence"]?.text ?? "" }

    /// How often it was sent to BOS and asked about: `1+3`.
    var effort: String { "\(json["attempts"]?.text ?? "0")+\(json["enquiries"]?.text ?? "0")" }

    /// The sentence of the error, else what BOS said.
    var words: String {
        guard let error = json["error"], let code = error["code"]?.text else { return json["message"]?.text ?? "" }
        let detail = error["detail"]?.text ?? ""
        return detail.isEmpty ? code : "\(code): \(detail)"
    }
}
