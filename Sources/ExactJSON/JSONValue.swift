/// A JSON value whose numbers are still the text that was sent.
///
/// Foundation's decoders turn a number into a `Double` or a `Decimal` before anybody can look at it, so `10.10`, `1e400`
/// and a 45-digit operator id have already changed when they arrive. Money and ids may not change, hence this type.
/// Source of the grammar: RFC 8259.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// The number exactly as it was spelled, for example `10.10` or `1e3`.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// One `"name": value` pair; an object keeps its members in the order in which they were sent.
    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The member of that exact name, or `nil` if there is none or this is no object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// What a person calls this kind of value, for error messages: "a number", "an object", …
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// A string, or a number as it was spelled; BOS sends ids as either. `nil` for anything else.
    package var text: String? {
        switch self {
        case .string(let text), .number(let text): text
        case .null, .bool, .array, .object: nil
        }
    }
}

/// Why a text is no JSON that we accept.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// Bytes from the start of the text.
    package let offset: Int
    /// One sentence without the text itself, which may hold a subscriber number.
    package let reason: String

    package var description: String { "\(reason) (byte \(offset))" }
}
