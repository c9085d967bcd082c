import ExactJSON

extension IncomingJob {
    /// Decodes the message as a job. The result depends on the message and the rules alone.
    /// - Returns: the job, and the fingerprint of what the message itself had.
    /// - Throws: why the message does not become a job.
    package func decode(_ rules: JobRules) throws(JobRefusal) -> (job: Job, fingerprint: [UInt8]) {
        guard announcedSize <= UInt64(JobRules.maximumSize) else {
            throw JobRefusal(
                deadLetter: .tooLarge, code: .invalidJob,
                detail: "the message has \(announcedSize) bytes, a job has at most \(JobRules.maximumSize)",
                kind: namedKind, reference: nil)
        }
        // The upstream could not be answered under the right name, so the job is not begun.
        if let property = Self.needed.first(where: unreadableProperties.contains) {
            throw undecodable("the property \(property) is not UTF-8 text")
        }
        let json = try readBody(rules)
        let kind = try decodeKind(json, rules: rules)
        let fields = JobFields(json: json, kind: kind, takesEarlierForms: rules.takesEarlierForms)
        let job: Job =
            switch kind {
            case .recharge: .recharge(try fields.recharge(rules))
            case .rechargeStatus: .rechargeStatus(try fields.rechargeStatus(rules))
            case .panStatus: .panStatus(try fields.panStatus())
            }
        return (job, job.fingerprint { json[$0] != nil && json[$0] != .null })
    }

    /// The properties that decoding and answering a job depend on.
    private static let needed = ["correlation_id", "reply_to", "message_id", "type"]

    /// The kind that the property `type` or the routing key names.
    private var namedKind: JobKind? { JobKind(named: type) ?? JobKind(named: routingKey) }

    private func undecodable(_ detail: String) -> JobRefusal {
        JobRefusal(deadLetter: .undecodable, code: .invalidJob, detail: detail, kind: namedKind, reference: nil)
    }
}

// MARK: - The body

extension IncomingJob {
    private func readBody(_ rules: JobRules) throws(JobRefusal) -> JSONValue {
        let result: Result<JSONValue, JSONError>
        do throws(JSONError) {
            result = .success(try JSONValue.parse(body, skipsMark: true))
        } catch {
            result = .failure(error)
        }
        if !rules.takesEarlierForms, let fault = encodingFault {
            let reference = (try? result.get()).flatMap { $0["referenceid"] ?? $0["refid"] }?.text.flatMap(JobRules.echoed)
            throw JobRefusal(
                deadLetter: .undecodable, code: .invalidJob, detail: fault, kind: namedKind, reference: reference, isByRule: true)
        }
        switch result {
        case .failure(let error): throw undecodable("the body is not JSON: \(error)")
        case .success(let json):
            guard case .object = json else { throw undecodable("the body is \(json.kindName), a job is a JSON object") }
            return json
        }
    }

    /// What is wrong with the encoding of the body, according to the properties; `nil` if the body can be read as JSON in UTF-8.
    private var encodingFault: String? {
        // Some clients name the character set in this property.
        let plain = ["", "identity", "utf-8", "utf8", "us-ascii", "ascii"]
        if let encoding = contentEncoding?.lowercased(), !plain.contains(encoding) {
            return "the property content_encoding names an encoding, and none is supported; publish the JSON text as it is"
        }
        // Plain ASCII is the same text in nearly every character set.
        if namesOtherCharacterSet, body.contains(where: { $0 >= 0x80 || $0 == 0 }) {
            return "the property content_type names another character set than UTF-8; publish the JSON text in UTF-8"
        }
        return nil
    }

    private var namesOtherCharacterSet: Bool {
        guard let type = contentType?.lowercased() else { return false }
        for parameter in type.split(separator: ";").dropFirst() {
            let parts = parameter.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\"" && $0 != "'" } }
            if parts.count == 2, parts[0] == "charset" { return !["utf-8", "utf8", "us-ascii", "ascii"].contains(parts[1]) }
        }
        return false
    }
}

// MARK: - The kind

extension IncomingJob {
    /// The kind that the property `type` names, else the routing key, else the fields. Source: publishing.md#a-job.
    private func decodeKind(_ json: JSONValue, rules: JobRules) throws(JobRefusal) -> JobKind {
        let (typed, routed) = (JobKind(named: type), JobKind(named: routingKey))
        let kind = typed ?? routed ?? Self.kind(of: json)
        func invalid(_ detail: String) -> JobRefusal {
            let reference = (kind == .panStatus ? json["refid"] : json["referenceid"] ?? json["refid"])?.text.flatMap(JobRules.echoed)
            return JobRefusal(
                deadLetter: .invalidJob, code: .invalidJob, detail: detail, kind: kind, reference: reference, isByRule: true)
        }
        if !rules.takesEarlierForms {
            if let typed, let routed, typed != routed {
                throw invalid(
                    "the property type says \(typed.rawValue) and the routing key \(routed.rawValue); publish with two that agree, or "
                        + "without a type")
            }
            // Where neither property nor routing key names the kind, the field may be meant for any kind.
            let isNamed = typed != nil || routed != nil
            let names = isNamed ? kind?.fields ?? [] : JobKind.allCases.flatMap(\.fields)
            if let (wrong, right) = Self.misspelling(in: json, of: names) {
                throw invalid("the field \(wrong) is spelled wrongly; the right name is \(right)")
            }
            if kind == .recharge, lane == .questions {
                throw invalid(
                    "a recharge came through the queue of questions; publish it with the routing key \(JobKind.recharge.rawValue)")
            }
        }
        guard let kind else {
            let reference = (json["referenceid"] ?? json["refid"])?.text.flatMap(JobRules.echoed)
            throw JobRefusal(
                deadLetter: .unknownKind, code: .invalidJob,
                detail: "neither the property type, the routing key nor the fields tell what kind of job this is; use the routing key "
                    + JobKind.allCases.map(\.rawValue).joined(separator: ", "),
                kind: nil, reference: reference)
        }
        return kind
    }

    private static func kind(of json: JSONValue) -> JobKind? {
        if json["refid"] != nil { return .panStatus }
        if json["amount"] != nil || json["canumber"] != nil || json["operator"] != nil { return .recharge }
        return json["referenceid"] != nil ? .rechargeStatus : nil
    }

    /// A field whose name differs from one of those only in case, `_`, `-` or white space, and the right name.
    private static func misspelling(in json: JSONValue, of names: [String]) -> (wrong: String, right: String)? {
        guard case .object(let members) = json else { return nil }
        for member in members where !names.contains(member.name) {
            let plain = plain(member.name)
            if let right = names.first(where: { Self.plain($0) == plain }) {
                return ("\"\(member.name.filter { !$0.isWhitespace || $0 == " " }.prefix(64))\"", right)
            }
        }
        return nil
    }

    private static func plain(_ name: String) -> String { name.lowercased().filter { $0 != "_" && $0 != "-" && !$0.isWhitespace } }
}
