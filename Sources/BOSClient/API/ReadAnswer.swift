internal import ExactJSON
internal import JobModel

/// An HTTP answer with the fields that all three calls share. Different spellings of one value are accepted where only one meaning is possible.
///
/// BOS's pages do not agree on types and spelling: codes and ids are numbers or strings, `status` is a boolean, a word, or 0 and 1, and the
/// code has two names. Names are compared exactly, letter case included: a newer flow of the provider has `Status` and `status` in one object.
/// A member that is there but cannot be read is a `problem`. It never counts as absent.
struct ReadAnswer {
    var facts: BOSFacts
    /// The member `data`. `nil` if it is missing, null or an empty text.
    var data: AnswerData?
    /// The recharge that the members beside `data` name.
    var named = NamedValues()
    /// The member `subCode`. The API that issues tokens uses it to refuse one.
    var subCode: String?
    /// The header `WWW-Authenticate` says that the token is invalid.
    var refusesToken = false
    /// The body contains no JSON object and no start of one, so it claims nothing. It is empty, a web page, or plain text.
    var saysNothing = false
    /// Why the answer cannot be relied on, with the place of the error if it is known. The sentence holds no text of the answer.
    var problem: String?

    /// Removes the worker's secrets from texts that are kept.
    private let mask: SecretMask

    /// - Parameters:
    ///   - retryAfter: from the header of that name.
    ///   - refusesToken: the header `WWW-Authenticate` says that the token is invalid.
    ///   - encoding: the header `Content-Encoding`. `nil` if the body is the JSON text itself.
    init(
        httpStatus: Int, retryAfter: Duration? = nil, refusesToken: Bool = false, encoding: String? = nil, body: [UInt8],
        mask: SecretMask = SecretMask()
    ) {
        self.mask = mask
        facts = BOSFacts(Answer(httpStatus: httpStatus), retryAfter: retryAfter)
        self.refusesToken = refusesToken
        if let encoding {
            problem =
                "the answer is encoded (Content-Encoding: \(encoding)), but the worker asks for none; switch compression off in BOS or in"
                + " the proxy in front of it"
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
        case "message": facts.message = Self.message(member.value, mask: mask)
        case "operatorid": facts.operatorID = Self.operatorID(member.value, mask: mask)
        case "ackno": facts.acknowledgement = Self.identifier(member.value, mask: mask)
        case "refid":
            facts.reference = Self.identifier(member.value, mask: mask)
            named.reference = member.value
        case "canumber": named.subscriber = member.value
        case "amount": named.amount = member.value
        case "subCode": subCode = member.value.plainText?.trimmed
        case "data": data = AnswerData(member.value, mask: mask)
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
        // Servers and gateways repeat the HTTP status here, or say that there was an error. Neither is a statement about the call.
        case "", "error", String(facts.httpStatus): break
        default: problem = "the status is none of the known words"
        }
    }

    /// An id digit by digit, without secrets. `nil` for an empty text.
    static func identifier(_ value: JSONValue?, mask: SecretMask) -> String? {
        digits(value).map { cleaned($0, mask: mask) }
    }

    /// A text or a number as BOS sent it. `nil` for an empty text.
    static func digits(_ value: JSONValue?) -> String? { value?.plainText.flatMap { $0.isEmpty ? nil : $0 } }

    /// The mobile operator's id digit by digit. BOS sends 0 until the mobile operator has assigned one; that counts as `nil`.
    static func operatorID(_ value: JSONValue?, mask: SecretMask) -> String? {
        identifier(value, mask: mask).flatMap { $0.utf8.allSatisfy { $0 == UInt8(ascii: "0") } ? nil : $0 }
    }

    /// A message for people, without secrets. Empty if there is none.
    static func message(_ value: JSONValue?, mask: SecretMask) -> String { cleaned(value?.text ?? "", mask: mask) }

    /// A text of BOS as it is stored, published and shown: without secrets and control characters, cut to 1,000 characters if it has more than 1,000
    /// bytes.
    private static func cleaned(_ text: String, mask: SecretMask) -> String {
        let text = mask.masked(text).withoutControlCharacters
        return text.utf8.count <= 1000 ? text : String(text.prefix(1000))
    }
}

extension String {
    /// With a space in place of each line break or tab, and U+FFFD in place of each other control character. BOS may send them unescaped.
    fileprivate var withoutControlCharacters: String {
        // The UTF-8 form of the control characters from U+0080 on begins with the byte C2.
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
    /// The value of an integer, or of a number or text that equals an integer. `nil` for anything else.
    var wholeNumber: Int? {
        guard let text = text?.trimmed else { return nil }
        return Int(text) ?? ExactDecimal(number: text)?.wholeNumber(timesTenToThe: 0).flatMap(Int.init(exactly:))
    }

    /// The text of a string or a number. A whole number is written in digits, because some servers write `1.111122233E9` for 1111122233. Any other
    /// number stays as it was spelled. `nil` for anything else.
    var plainText: String? {
        guard case .number(let text) = self, !text.utf8.allSatisfy(Self.isDigitOrSign) else { return text }
        // The limit is more than any id has. Without it an exponent could produce any number of zeros.
        return ExactDecimal(number: text)?.wholeDigits(atMost: 64) ?? text
    }

    private static func isDigitOrSign(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
    }
}

extension String {
    /// Without ASCII white space at both ends. Most texts have none and are not copied.
    var trimmed: String {
        func isSpace(_ byte: UInt8?) -> Bool { byte == 0x20 || byte.map { (0x09...0x0D).contains($0) } == true }
        guard isSpace(utf8.first) || isSpace(utf8.last) else { return self }
        var text = utf8[...]
        while isSpace(text.first) { text = text.dropFirst() }
        while isSpace(text.last) { text = text.dropLast() }
        return String(Substring(text))
    }
}
