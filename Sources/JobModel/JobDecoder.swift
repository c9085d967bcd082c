import ExactJSON

extension IncomingJob {
    /// Understands the message as a job, or says in one sentence why not. The same message always gets the same answer.
    package func decode(_ rules: JobRules) throws(JobRefusal) -> (job: Job, fingerprint: [UInt8]) {
        guard announcedSize <= UInt64(JobRules.maximumSize) else {
            throw JobRefusal(
                deadLetter: .tooLarge, code: .invalidJob,
                detail: "the message has \(announcedSize) bytes, a job has at most \(JobRules.maximumSize)",
                kind: namedKind, reference: nil)
        }
        // Nobody could be told of the job under the name that was meant, so it is not begun.
        if let property = Self.needed.first(where: unreadableProperties.contains) {
            throw JobRefusal(
                deadLetter: .undecodable, code: .invalidJob, detail: "the property \(property) is not UTF-8 text", kind: namedKind,
                reference: nil)
        }
        let json: JSONValue
        do {
            json = try JSONValue.parse(body)
        } catch {
            throw JobRefusal(
                deadLetter: .undecodable, code: .invalidJob, detail: "the body is not JSON: \(error)", kind: namedKind, reference: nil)
        }
        guard case .object = json else {
            throw JobRefusal(
                deadLetter: .undecodable, code: .invalidJob, detail: "the body is \(json.kindName), a job is a JSON object",
                kind: namedKind, reference: nil)
        }
        let kind = try decodeKind(json)
        let fields = JobFields(json: json, kind: kind)
        let job: Job =
            switch kind {
            case .recharge: .recharge(try fields.recharge(rules))
            case .rechargeStatus: .rechargeStatus(try fields.rechargeStatus(rules))
            case .panStatus: .panStatus(try fields.panStatus())
            }
        return (job, job.fingerprint { json[$0] != nil && json[$0] != .null })
    }

    /// The properties by which a job is understood and answered.
    private static let needed = ["correlation_id", "reply_to", "message_id", "type"]

    /// The kind as far as the envelope tells it.
    private var namedKind: JobKind? { type.flatMap(JobKind.init) ?? JobKind(rawValue: routingKey) }

    /// Property `type`, else the routing key, else told from the fields. Source: contract.md, "A job".
    private func decodeKind(_ json: JSONValue) throws(JobRefusal) -> JobKind {
        if let type, !type.isEmpty {
            if let kind = JobKind(rawValue: type) { return kind }
            throw unknownKind("the property type names no kind of job; use recharge, recharge.status or pan.status", json)
        }
        if let kind = JobKind(rawValue: routingKey) { return kind }
        if json["refid"] != nil { return .panStatus }
        if json["amount"] != nil || json["canumber"] != nil || json["operator"] != nil { return .recharge }
        if json["referenceid"] != nil { return .rechargeStatus }
        throw unknownKind("neither the property type, the routing key nor the fields tell what kind of job this is", json)
    }

    private func unknownKind(_ detail: String, _ json: JSONValue) -> JobRefusal {
        let reference = (json["referenceid"] ?? json["refid"])?.text.flatMap(JobRules.echoed)
        return JobRefusal(deadLetter: .unknownKind, code: .invalidJob, detail: detail, kind: nil, reference: reference)
    }
}

/// The fields of one job message, read one by one; each complaint names its field.
private struct JobFields {
    let json: JSONValue
    let kind: JobKind

    func recharge(_ rules: JobRules) throws(JobRefusal) -> Recharge {
        Recharge(
            operatorID: try operatorID(),
            subscriber: try requiredText("canumber", limit: 64),
            amount: try amount(maximum: rules.maximumAmount),
            reference: try reference(),
            registerID: try registerID(rules),
            expiresAt: try expiresAt())
    }

    func rechargeStatus(_ rules: JobRules) throws(JobRefusal) -> RechargeStatusQuery {
        RechargeStatusQuery(reference: try reference(), registerID: try registerID(rules), expiresAt: try expiresAt())
    }

    /// What it leaves to the configuration is filled in when it is sent: the merchant's key is no part of a stored job.
    func panStatus() throws(JobRefusal) -> PANStatusQuery {
        PANStatusQuery(
            reference: try reference(),
            nepKey: try optionalText("nep_key", limit: 256),
            domain: try optionalText("domain", limit: 256),
            partnerID: try optionalText("partnerId", limit: 256),
            nepID: try optionalText("nep_id", limit: 256),
            expiresAt: try expiresAt())
    }

    private var referenceField: String { kind == .panStatus ? "refid" : "referenceid" }

    private func reference() throws(JobRefusal) -> String {
        try requiredText(referenceField, limit: JobRules.maximumReferenceLength)
    }

    private func registerID(_ rules: JobRules) throws(JobRefusal) -> String {
        if let own = try optionalText("RegisterID", limit: 64) { return own }
        guard let configured = rules.registerID else {
            throw refusal(
                .invalidJob, deadLetter: .invalidJob, "RegisterID is missing, and none is configured (api.registerID)", isByRule: true)
        }
        return configured
    }

    private func operatorID() throws(JobRefusal) -> Int64 {
        guard let value = json["operator"], value != .null else { throw invalid("operator is missing; it is the operator's number") }
        guard let text = value.text, let number = Int64(text), number > 0 else {
            throw invalid("operator must be a positive whole number, not \(value.kindName) of another form")
        }
        return number
    }

    private func amount(maximum: Money) throws(JobRefusal) -> Money {
        guard let value = json["amount"], value != .null else { throw invalid("amount is missing; it is a number of rupees") }
        guard let text = value.text, let amount = Money(rupees: text) else {
            throw invalid("amount must be rupees with at most two decimals, as a number or a numeric string")
        }
        guard amount.paise > 0, amount <= maximum else {
            throw refusal(
                .amountOutOfRange, deadLetter: nil,
                "amount must be more than 0 and at most \(maximum.rupees) rupees (jobs.maximumAmount)", isByRule: amount.paise > 0)
        }
        return amount
    }

    private func expiresAt() throws(JobRefusal) -> Timestamp? {
        guard let text = try optionalText("expires_at", limit: 64) else { return nil }
        guard let moment = Timestamp(rfc3339: text) else {
            throw invalid("expires_at must be an RFC 3339 date-time such as 2026-11-21T10:00:00Z")
        }
        return moment
    }

    private func requiredText(_ name: String, limit: Int) throws(JobRefusal) -> String {
        guard let text = try optionalText(name, limit: limit) else { throw invalid("\(name) is missing; it is a string") }
        return text
    }

    private func optionalText(_ name: String, limit: Int) throws(JobRefusal) -> String? {
        guard let value = json[name], value != .null else { return nil }
        guard case .string(let text) = value else { throw invalid("\(name) must be a string, not \(value.kindName)") }
        guard !text.isEmpty else { throw invalid("\(name) must not be empty") }
        guard text.utf8.count <= limit else { throw invalid("\(name) has more than \(limit) bytes") }
        guard text.hasNoControlCharacters else {
            throw invalid("\(name) must not hold control characters")
        }
        return text
    }

    private func invalid(_ detail: String) -> JobRefusal { refusal(.invalidJob, deadLetter: .invalidJob, detail) }

    private func refusal(
        _ code: ReplyErrorCode, deadLetter: DeadLetterReason?, _ detail: String, isByRule: Bool = false
    ) -> JobRefusal {
        let reference = json[referenceField]?.text.flatMap(JobRules.echoed)
        return JobRefusal(deadLetter: deadLetter, code: code, detail: detail, kind: kind, reference: reference, isByRule: isByRule)
    }
}
