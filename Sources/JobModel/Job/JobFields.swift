import ExactJSON

/// Reads the fields of one job message. A refusal names the field, and never holds its value.
struct JobFields {
    let json: JSONValue
    let kind: JobKind
    /// See ``JobRules/takesEarlierForms``.
    let takesEarlierForms: Bool

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

    /// A missing field is filled in from the configuration at each call: the merchant's key is not part of a stored job.
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
                .invalidJob, deadLetter: .invalidJob, detail: "RegisterID is missing, and none is configured (api.registerID)",
                isByRule: true)
        }
        return configured
    }

    private func expiresAt() throws(JobRefusal) -> Timestamp? {
        guard let text = try optionalText("expires_at", limit: 64) else { return nil }
        guard let moment = Timestamp(rfc3339: text) else {
            throw invalid("expires_at must be an RFC 3339 date-time such as 2026-11-21T10:00:00Z")
        }
        return moment
    }
}

// MARK: - Numbers

extension JobFields {
    private func operatorID() throws(JobRefusal) -> Int64 {
        let number: Int64?
        switch json["operator"] {
        case nil, .null?: throw invalid("operator is missing; it must be the number of the mobile operator")
        case .number(let text)?: number = ExactDecimal(number: text)?.wholeNumber(timesTenToThe: 0)
        // An exponent is accepted in a JSON number, which a program may write so. In a string only plain decimals are.
        case .string(let text)?: number = text.trimmed.plainWholeNumber
        case let other?: throw invalid("operator must be a whole number, not \(other.kindName)")
        }
        guard let number else { throw invalid("operator must be a whole number, as a number or its digits in a string") }
        guard number > 0 else { throw invalid("operator must be more than 0") }
        return number
    }

    private func amount(maximum: Money) throws(JobRefusal) -> Money {
        let amount: Money?
        switch json["amount"] {
        case nil, .null?: throw invalid("amount is missing; it must be a number of rupees")
        case .number(let text)?: amount = ExactDecimal(number: text)?.wholeNumber(timesTenToThe: 2).map(Money.init(paise:))
        case .string(let text)?: amount = Money(rupees: text.trimmed)
        case let other?: throw invalid("amount must be a number of rupees, not \(other.kindName)")
        }
        guard let amount else {
            throw invalid(
                "amount must be at most \(maximum.rupees) rupees (jobs.maximumAmount) with at most two decimals, as a number or as plain "
                    + "decimals in a string")
        }
        guard amount.paise > 0, amount <= maximum else {
            throw refusal(
                .amountOutOfRange, deadLetter: nil,
                detail: "amount must be more than 0 and at most \(maximum.rupees) rupees (jobs.maximumAmount)", isByRule: amount.paise > 0)
        }
        return amount
    }
}

// MARK: - Texts

extension JobFields {
    private func requiredText(_ name: String, limit: Int) throws(JobRefusal) -> String {
        guard let text = try optionalText(name, limit: limit) else { throw invalid("\(name) is missing; it must be a string") }
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
        // Ambiguous: BOS may read the text with these characters as another one, or as the same one.
        if !takesEarlierForms, let fault = text.hiddenDifference {
            throw refusal(.invalidJob, deadLetter: .invalidJob, detail: "\(name) must not \(fault)", isByRule: true)
        }
        return text
    }

    private func invalid(_ detail: String) -> JobRefusal { refusal(.invalidJob, deadLetter: .invalidJob, detail: detail) }

    private func refusal(
        _ code: ReplyErrorCode, deadLetter: DeadLetterReason?, detail: String, isByRule: Bool = false
    ) -> JobRefusal {
        let reference = json[referenceField]?.text.flatMap(JobRules.echoed)
        return JobRefusal(deadLetter: deadLetter, code: code, detail: detail, kind: kind, reference: reference, isByRule: isByRule)
    }
}

extension String {
    /// The text without white space at both ends.
    fileprivate var trimmed: String {
        guard let first, let last, first.isWhitespace || last.isWhitespace else { return self }
        let start = drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }

    /// The value of a plain decimal that is a whole number, such as `311` or `311.0`.
    fileprivate var plainWholeNumber: Int64? {
        let parts = split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let digits = parts[0].utf8.first == UInt8(ascii: "-") ? parts[0].dropFirst() : parts[0]
        func areDigits(_ text: Substring) -> Bool { !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard areDigits(digits), parts.count == 1 || (areDigits(parts[1]) && parts[1].allSatisfy { $0 == "0" }) else { return nil }
        return Int64(parts[0])
    }

    /// What makes the text different from what a person reads, worded to follow "must not"; `nil` if nothing does.
    fileprivate var hiddenDifference: String? {
        if first?.isWhitespace == true || last?.isWhitespace == true { return "begin or end with white space" }
        // A short cut: nearly all texts are plain ASCII.
        guard !utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        for (index, scalar) in unicodeScalars.enumerated() where !scalar.isASCII {
            if let difference = scalar.hiddenDifference(at: index + 1) { return difference }
        }
        return nil
    }
}

extension Unicode.Scalar {
    /// - Parameter place: counted in scalars from 1.
    fileprivate func hiddenDifference(at place: Int) -> String? {
        let digits = String(value, radix: 16, uppercase: true)
        let name = "U+\(String(repeating: "0", count: max(0, 4 - digits.utf8.count)))\(digits)"
        let invisible = "hold an invisible character (\(name) at place \(place))"
        // The blank Braille pattern counts as a symbol in Unicode.
        if properties.isDefaultIgnorableCodePoint || self == "\u{2800}" { return invisible }
        switch properties.generalCategory {
        case .format, .lineSeparator, .paragraphSeparator: return invisible
        case .spaceSeparator: return "hold another space than the plain one (\(name) at place \(place))"
        // The digit itself is not named: it may be part of a subscriber's number.
        case .decimalNumber, .otherNumber: return "hold other digits than 0 to 9 (at place \(place))"
        default: return nil
        }
    }
}
