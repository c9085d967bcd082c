/// A JSON value whose numbers are the text that was sent.
///
/// Foundation's decoders turn a number into a `Double` or a `Decimal` before the program can look at it. `10.10`, `1e400` and a
/// 45-digit operator id have changed by then. Money and ids must not change, so this type keeps the text. Source of the grammar:
/// RFC 8259.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// The number in the spelling that was sent, for example `10.10` or `1e3`.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// One `"name": value` pair. An object keeps its members in the order in which they were sent.
    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: JSONValue

        /// Makes one pair. Neither argument has a label, because they stand as they stand in JSON.
        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The value of the member with exactly that name; `nil` if there is none or this is not an object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The kind of the value, for error messages: "a number", "an object", …
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

    /// The text of a string, or the spelling of a number; BOS sends ids as either. `nil` for anything else.
    package var text: String? {
        switch self {
        case .string(let text), .number(let text): text
        case .null, .bool, .array, .object: nil
        }
    }
}

/// Why a text was not accepted as JSON.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// The offset in bytes from the start of the text.
    package let offset: Int
    /// One sentence. It never repeats the text, which may hold a subscriber number.
    package let reason: String

    package var description: String { "\(reason) (byte \(offset))" }
}
