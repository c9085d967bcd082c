internal import ExactJSON
internal import JobModel

/// The member `data` of an answer to an enquiry: what BOS says of the recharge itself. Source of the names: bos-api.md#rechargesstatus.
struct AnswerData {
    /// At least one member that is not null was there.
    var hasMembers = false
    /// No member says anything: there are none, or each is null or an empty text.
    var isBlank = true
    var status: JSONValue?
    var refunded: JSONValue?
    var operatorID: String?
    var message = ""
    var named = NamedValues()
    /// Why it cannot be relied on; `nil` if it can.
    var problem: String?

    /// - Returns: `nil` for null and for an empty text, which say that there is no data.
    /// - Parameter mask: takes our secrets out of what is passed on.
    init?(_ value: JSONValue, _ mask: SecretMask) {
        switch value {
        case .null: return nil
        case .string(let text) where text.trimmed.isEmpty: return nil
        case .object(let members): for member in members { read(member, mask) }
        case .array(let elements):
            if elements.count > 1 { problem = "the answer's data has more than one element" }
            if case .object(let members)? = elements.first {
                for member in members { read(member, mask) }
            } else {
                isBlank = elements.isEmpty
            }
        case .string:
            if case .object(let members)? = value.objectInString { for member in members { read(member, mask) } } else { isBlank = false }
        case .bool, .number: isBlank = false
        }
    }

    private mutating func read(_ member: JSONValue.Member, _ mask: SecretMask) {
        guard member.value != .null else { return }
        hasMembers = true
        if member.value.text?.trimmed.isEmpty != true { isBlank = false }
        switch member.name {
        case "status": status = member.value
        case "refunded": refunded = member.value
        case "operatorid": operatorID = ReadAnswer.operatorID(member.value, mask)
        case "message": message = ReadAnswer.message(member.value, mask)
        case "refid": named.reference = member.value
        case "canumber": named.subscriber = member.value
        case "amount": named.amount = member.value
        default: break
        }
    }
}

/// The members that name a recharge, in one place of an answer, as they were sent.
struct NamedValues {
    var reference: JSONValue?
    var subscriber: JSONValue?
    var amount: JSONValue?
}

extension Subject {
    /// What the two places of one answer name together.
    /// - Throws: a sentence without any value if a member is no text and no number, or the two places differ.
    init(_ data: AnswerData?, beside outer: NamedValues) throws(Unreadable) {
        self.init(
            reference: try Self.text("refid", data?.named.reference, outer.reference),
            subscriber: try Self.text("canumber", data?.named.subscriber, outer.subscriber),
            amount: try Self.text("amount", data?.named.amount, outer.amount), hasData: data?.hasMembers ?? false)
    }

    struct Unreadable: Error {
        var problem: String
    }

    private static func text(_ name: String, _ values: JSONValue?...) throws(Unreadable) -> String? {
        var texts: [String] = []
        for case let value? in values {
            guard let text = value.plainText else { throw Unreadable(problem: "the answer's \(name) is \(value.kindName)") }
            if !text.isEmpty { texts.append(text) }
        }
        if texts.count == 2, !texts[0].hasSameValue(as: texts[1]) { throw Unreadable(problem: "the answer has two different \(name)") }
        return texts.first
    }
}

extension String {
    /// Whether both are the same text, or numbers of the same value.
    func hasSameValue(as other: String) -> Bool {
        if utf8.elementsEqual(other.utf8) { return true }
        guard let value = ExactDecimal(number: trimmed), let otherValue = ExactDecimal(number: other.trimmed) else { return false }
        return value == otherValue
    }
}
