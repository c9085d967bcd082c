internal import ExactJSON

/// An HTTP answer with the fields that all three calls share, read leniently.
///
/// BOS's pages do not agree on types and spelling: codes and ids are numbers or strings, `status` is a boolean, a word or 0 and 1,
/// and names differ in case and underscores. What is there but cannot be read is remembered as such, never taken for absent.
struct ReadAnswer {
    var facts: BOSFacts
    /// The members of `data`, or of the only element of an array of that name, by their ``normalized(_:)`` names; those that are null are
    /// left out. `nil` if there are none.
    var data: [String: JSONValue]?
    /// Why the answer cannot be relied on, in a sentence without any of its text.
    var problem: String?

    init(httpStatus: Int, retryAfter: Duration? = nil, body: [UInt8]) {
        facts = BOSFacts(httpStatus: httpStatus, retryAfter: retryAfter, rawBody: String(decoding: body.prefix(4096), as: UTF8.self))
        let json: JSONValue
        do {
            json = try JSONValue.parse(body)
        } catch {
            problem = body.isEmpty ? "the answer has no body" : "the answer is no JSON: \(error.reason)"
            return
        }
        guard case .object(let members) = json else {
            problem = "the answer is \(json.kindName), not an object"
            return
        }
        for member in members { read(member) }
    }

    private mutating func read(_ member: JSONValue.Member) {
        guard member.value != .null else { return }
        switch ReadAnswer.normalized(member.name) {
        case "responsecode":
            guard let code = member.value.text.flatMap({ Int($0) }) else {
                problem = "the response code is neither an integer nor an integer's digits"
                return
            }
            if let other = facts.responseCode, other != code { problem = "the answer has two different response codes" }
            facts.responseCode = code
        case "status":
            guard let status = ReadAnswer.status(member.value) else {
                problem = "the status is none of the known words"
                return
            }
            if let other = facts.status, other != status { problem = "the answer has two different statuses" }
            facts.status = status
        case "message": facts.message = ReadAnswer.message(member.value)
        case "operatorid": facts.operatorID = ReadAnswer.identifier(member.value)
        case "ackno": facts.acknowledgement = ReadAnswer.identifier(member.value)
        case "data": readData(member.value)
        default: break
        }
    }

    private mutating func readData(_ value: JSONValue) {
        switch value {
        case .object(let members): readData(members)
        case .array(let elements) where elements.count == 1: readData(elements[0])
        case .array(let elements) where elements.count > 1: problem = "the answer's data has more than one element"
        case .null, .bool, .number, .string, .array: break
        }
    }

    /// The members of `data` that anything is made of; the others may say what they like.
    private static let readOfData: Set = ["status", "refunded", "operatorid", "message"]

    private mutating func readData(_ members: [JSONValue.Member]) {
        for member in members where member.value != .null {
            let name = Self.normalized(member.name)
            data = data ?? [:]
            let other = data?.updateValue(member.value, forKey: name)
            if let other, other != member.value, Self.readOfData.contains(name) { problem = "the answer's data has two different \(name)" }
        }
    }

    /// A boolean, 0 or 1, or one of the words that the pages show; `nil` for anything else.
    private static func status(_ value: JSONValue) -> Bool? {
        if case .bool(let status) = value { return status }
        switch value.text?.lowercased() {
        case "true", "success", "1": return true
        case "false", "failed", "0": return false
        default: return nil
        }
    }

    /// An id digit for digit; empty text counts as none.
    static func identifier(_ value: JSONValue?) -> String? {
        guard let text = value?.text, !text.isEmpty else { return nil }
        return text
    }

    /// A message for people, cut where it would be absurdly long.
    static func message(_ value: JSONValue?) -> String {
        let text = value?.text ?? ""
        return text.utf8.count <= 1000 ? text : String(text.prefix(1000))
    }

    /// A name without regard to case and underscores. The spelling of most answers needs no copy.
    private static func normalized(_ name: String) -> String {
        switch name {
        case "status", "message", "operatorid", "ackno", "data": name
        case "response_code", "responsecode": "responsecode"
        default: name.lowercased().filter { $0 != "_" }
        }
    }
}
