extension JSONValue {
    /// Parses an answer of a server that others have written, leniently where it has one meaning.
    ///
    /// What stands before the object is skipped: a byte order mark, white space, a notice of the server's own. The object starts at the
    /// first `{` that a name follows, and has to reach to the end of the text: behind a truncated object, or with a second one, there is
    /// no telling what was meant. What is no text inside a string becomes U+FFFD: a raw control character, bytes that are not UTF-8, half
    /// of a surrogate pair. A name that occurs twice in one object is an error, as in ``parse(_:skipsMark:maximumDepth:)``.
    /// - Returns: the object, or another value if the whole text is one.
    /// - Throws: what is wrong, with its place counted from the first byte.
    package static func parse(answer bytes: [UInt8], maximumDepth: Int = 32) throws(JSONError) -> JSONValue {
        try parse(bytes, from: objectStart(in: bytes) ?? markEnd(in: bytes), mendsStrings: true, maximumDepth: maximumDepth)
    }

    /// Whether a text holds what looks like the start of an object, whole or not, also inside a string.
    package static func hasObjectStart(in bytes: [UInt8]) -> Bool {
        objectStart(in: bytes.filter { $0 != UInt8(ascii: "\\") }) != nil
    }

    /// The object that this string holds as JSON text, for servers that write JSON twice; `nil` if this is no string or holds anything else.
    package var objectInString: JSONValue? {
        guard case .string(let text) = self,
            let value = try? Self.parse(Array(text.utf8), from: 0, mendsStrings: true, maximumDepth: 32), case .object = value
        else { return nil }
        return value
    }

    /// The first `{` that a quotation mark follows, with nothing but white space between.
    private static func objectStart(in bytes: [UInt8]) -> Int? {
        var candidate: Int?
        for (offset, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "{"): candidate = offset
            case UInt8(ascii: "\""): if let candidate { return candidate }
            case 0x20, 0x0A, 0x0D, 0x09: break
            default: candidate = nil
            }
        }
        return nil
    }

    /// Where the text begins behind a byte order mark.
    static func markEnd(in bytes: [UInt8]) -> Int { bytes.starts(with: byteOrderMark) ? byteOrderMark.count : 0 }

    /// U+FEFF in UTF-8, which some editors and libraries write before a text.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
}
