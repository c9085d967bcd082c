internal import ExactJSON
internal import JobModel

/// The member `data` of the answer to an enquiry: what BOS says about the recharge itself. Source of the names: bos-api.md#rechargesstatus.
struct AnswerData {
    /// `data` has at least one member that is not null.
    var hasMembers = false
    /// `data` has no members, or each is null or an empty text.
    var isBlank = true
    var status: JSONValue?
    var refunded: JSONValue?
    var operatorID: String?
    var message = ""
    var named = NamedValues()
    /// Why `data` cannot be relied on. `nil` if it can.
    var problem: String?

    /// Returns `nil` for null and for an empty text. Both mean that there is no data.
    /// - Parameter mask: removes the worker's secrets from texts that are kept.
    init?(_ value: JSONValue, mask: SecretMask) {
        switch value {
        case .null: return nil
        case .string(let text) where text.trimmed.isEmpty: return nil
        case .object(let members): for member in members { read(member, mask: mask) }
        case .array(let elements):
            if elements.count > 1 { problem = "the answer's data has more than one element" }
            if case .object(let members)? = elements.first {
                for member in members { read(member, mask: mask) }
            } else {
                isBlank = elements.isEmpty
            }
        case .string:
            if case .object(let members)? = value.objectInString {
                for member in members { read(member, mask: mask) }
            } else {
                isBlank = false
            }
        case .bool, .number: isBlank = false
        }
    }

    private mutating func read(_ member: JSONValue.Member, mask: SecretMask) {
        guard member.value != .null else { return }
        hasMembers = true
        if member.value.text?.trimmed.isEmpty != true { isBlank = false }
        switch member.name {
        case "status": status = member.value
        case "refunded": refunded = member.value
        case "operatorid": operatorID = ReadAnswer.operatorID(member.value, mask: mask)
        case "message": message = ReadAnswer.message(member.value, mask: mask)
        case "refid": named.reference = member.value
        case "canumber": named.subscriber = member.value
        case "amount": named.amount = member.value
        default: break
        }
    }
}

/// The members of an answer that name a recharge, as BOS sent them: those of `data`, or those beside it.
struct NamedValues {
    var reference: JSONValue?
    var subscriber: JSONValue?
    var amount: JSONValue?
}

extension Subject {
    /// Combines what `data` and the members beside it name.
    /// - Throws: if a member is neither a text nor a number, or the two places differ.
    init(_ data: AnswerData?, beside outer: NamedValues) throws(Unreadable) {
        self.init(
            reference: try Self.text(of: "refid", in: data?.named.reference, outer.reference),
            subscriber: try Self.text(of: "canumber", in: data?.named.subscriber, outer.subscriber),
            amount: try Self.text(of: "amount", in: data?.named.amount, outer.amount), hasData: data?.hasMembers ?? false)
    }

    struct Unreadable: Error {
        /// A sentence without a value of the answer.
        var problem: String
    }

    private static func text(of name: String, in values: JSONValue?...) throws(Unreadable) -> String? {
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
    /// Whether both are the same text, or both are numbers of the same value.
    func hasSameValue(as other: String) -> Bool {
        if utf8.elementsEqual(other.utf8) { return true }
        guard let value = ExactDecimal(number: trimmed), let otherValue = ExactDecimal(number: other.trimmed) else { return false }
        return value == otherValue
    }
}
