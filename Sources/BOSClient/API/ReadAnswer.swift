internal import ExactJSON
internal import JobModel

/// An HTTP answer with the fields that all three calls share, read leniently where it has one meaning.
///
/// BOS's pages do not agree on types and spelling: codes and ids are numbers or strings, `status` is a boolean, a word or 0 and 1, the
/// code has two names. Other spellings of a name are other names: a newer flow of the provider has `Status` and `status` in one object.
/// What is there but cannot be read is remembered as such, never taken for absent.
struct ReadAnswer {
    var facts: BOSFacts
    /// `data`, unless it is missing, null or an empty text.
    var data: AnswerData?
    /// The recharge that the members beside `data` name; only what an enquiry's answer says of it is relied on.
    var named = NamedValues()
    /// `subCode`, with which the API that hands out tokens refuses one.
    var subCode: String?
    /// The header `WWW-Authenticate` says that the token is invalid.
    var refusesToken = false
    /// The body is no object and holds no beginning of one, so it claims nothing: it is empty, a web page, or plain text.
    var saysNothing = false
    /// Why the answer cannot be relied on, with the place where it is known, in a sentence without any of its text.
    var problem: String?

    /// Takes our secrets out of what is passed on.
    private let mask: SecretMask

    /// - Parameter encoding: the answer's `Content-Encoding` where the body is not the JSON text itself.
    init(
        httpStatus: Int, retryAfter: Duration? = nil, refusesToken: Bool = false, encoding: String? = nil, body: [UInt8],
        mask: SecretMask = SecretMask()
    ) {
        self.mask = mask
        facts = BOSFacts(Answer(httpStatus: httpStatus), retryAfter: retryAfter)
        self.refusesToken = refusesToken
        if let encoding {
            problem =
                "the answer is encoded (Content-Encoding: \(encoding)), and the worker asks for none; switch compression off in BOS or in"
                + " what stands before it"
            return
        }
        let json: JSONValue
        do {
            json = try JSONValue.parse(answer: body)
        } catch {
            saysNothing = !JSONValue.hasObjectStart(in: body)
            problem = body.isEmpty ? "the answer has no body" : "the answer is no JSON: \(error)"
            return
        }
        guard case .object(let members) = json.objectInString ?? json else {
            saysNothing = !JSONValue.hasObjectStart(in: body)
            problem = "the answer is \(json.kindName), not an object"
            return
        }
        for member in members { read(member) }
    }

    private mutating func read(_ member: JSONValue.Member) {
        guard member.value != .null else { return }
        switch member.name {
        case "response_code", "responsecode": readCode(member.value)
        case "status": readStatus(member.value)
        case "message": facts.message = Self.message(member.value, mask)
        case "operatorid": facts.operatorID = Self.operatorID(member.value, mask)
        case "ackno": facts.acknowledgement = Self.identifier(member.value, mask)
        case "refid":
            facts.reference = Self.identifier(member.value, mask)
            named.reference = member.value
        case "canumber": named.subscriber = member.value
        case "amount": named.amount = member.value
        case "subCode": subCode = member.value.plainText?.trimmed
        case "data": data = AnswerData(member.value, mask)
        default: break
        }
    }

    private mutating func readCode(_ value: JSONValue) {
        if value.text?.trimmed.isEmpty == true { return }
        guard let code = value.wholeNumber else {
            problem = "the response code is neither an integer nor an integer's digits"
            return
        }
        if let other = facts.responseCode, other != code { problem = "the answer has two different response codes" }
        facts.responseCode = code
    }

    private mutating func readStatus(_ value: JSONValue) {
        if case .bool(let status) = value {
            facts.status = status
            return
        }
        switch value.plainText?.trimmed.lowercased() {
        case "true", "success", "1": facts.status = true
        case "false", "failed", "0": facts.status = false
        // Servers and gateways repeat the HTTP status or say that there was an error: that claims nothing of the call.
        case "", "error", String(facts.httpStatus): break
        default: problem = "the status is none of the known words"
        }
    }

    /// An id digit for digit, as it may be passed on; empty text counts as none.
    static func identifier(_ value: JSONValue?, _ mask: SecretMask) -> String? {
        digits(value).map { passedOn($0, mask) }
    }

    /// A text or a number as it was sent; empty text counts as none.
    static func digits(_ value: JSONValue?) -> String? { value?.plainText.flatMap { $0.isEmpty ? nil : $0 } }

    /// The operator's id digit for digit. BOS sends 0 before the operator has given one.
    static func operatorID(_ value: JSONValue?, _ mask: SecretMask) -> String? {
        identifier(value, mask).flatMap { $0.utf8.allSatisfy { $0 == UInt8(ascii: "0") } ? nil : $0 }
    }

    /// A message for people, as it may be passed on.
    static func message(_ value: JSONValue?, _ mask: SecretMask) -> String { passedOn(value?.text ?? "", mask) }

    /// A text of BOS's as it is stored, published and shown: without our secrets and control characters, and cut where it would be absurdly long.
    private static func passedOn(_ text: String, _ mask: SecretMask) -> String {
        let text = mask.masked(text).withoutControlCharacters
        return text.utf8.count <= 1000 ? text : String(text.prefix(1000))
    }
}

extension String {
    /// With U+FFFD in place of each control character, as where BOS has not escaped it; with a space in place of a line break or a tab.
    fileprivate var withoutControlCharacters: String {
        // Those from U+0080 on begin with the byte C2.
        guard utf8.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == 0xC2 }) else { return self }
        var scalars = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0x09, 0x0A, 0x0D: scalars.append(" ")
            case ..<0x20, 0x7F...0x9F: scalars.append("\u{FFFD}")
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }
}

extension JSONValue {
    /// The value of an integer or of a number that equals one, also as text; `nil` for anything else.
    var wholeNumber: Int? {
        guard let text = text?.trimmed else { return nil }
        return Int(text) ?? ExactDecimal(number: text)?.wholeNumber(timesTenToThe: 0).flatMap(Int.init(exactly:))
    }

    /// A string, or a number: where that is whole as its digits, although some servers write `1.111122233E9` for 1111122233, else as it was
    /// spelled. `nil` for anything else.
    var plainText: String? {
        guard case .number(let text) = self, !text.utf8.allSatisfy(Self.isDigitOrSign) else { return text }
        // No id has so many digits; an exponent can ask for any number of zeros.
        return ExactDecimal(number: text)?.wholeDigits(atMost: 64) ?? text
    }

    private static func isDigitOrSign(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
    }
}

extension String {
    /// Without white space of ASCII at either end. Most texts have none and are not copied.
    var trimmed: String {
        func isSpace(_ byte: UInt8?) -> Bool { byte == 0x20 || byte.map { (0x09...0x0D).contains($0) } == true }
        guard isSpace(utf8.first) || isSpace(utf8.last) else { return self }
        var text = utf8[...]
        while isSpace(text.first) { text = text.dropFirst() }
        while isSpace(text.last) { text = text.dropLast() }
        return String(Substring(text))
    }
}
