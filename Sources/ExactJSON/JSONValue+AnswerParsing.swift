extension JSONValue {
    /// Parses the answer of a foreign server. It is lenient as long as the answer has a single meaning.
    ///
    /// Text before the object is skipped: a byte order mark, white space, a notice of the server. The object starts at the first `{`
    /// that a name follows. It must reach to the end of the text, because the meaning of a truncated object, or of a second one, is
    /// unknown. Invalid parts of a string become U+FFFD: a raw control character, bytes that are not UTF-8, half of a surrogate pair.
    /// A name that occurs twice in one object is an error, as in ``parse(_:skipsMark:maximumDepth:)``.
    ///
    /// - Returns: the object, or another value if that is the whole text.
    /// - Throws: what is wrong, with its offset from the first byte.
    package static func parse(answer bytes: [UInt8], maximumDepth: Int = 32) throws(JSONError) -> JSONValue {
        try parse(bytes, from: objectStart(in: bytes) ?? markEnd(in: bytes), mendsStrings: true, maximumDepth: maximumDepth)
    }

    /// Whether the text holds something that looks like the start of an object, complete or not, even inside a string.
    package static func hasObjectStart(in bytes: [UInt8]) -> Bool {
        objectStart(in: bytes.filter { $0 != UInt8(ascii: "\\") }) != nil
    }

    /// The object that this string holds as JSON text, because some servers encode JSON twice; `nil` for anything else.
    package var objectInString: JSONValue? {
        guard case .string(let text) = self,
            let value = try? Self.parse(Array(text.utf8), from: 0, mendsStrings: true, maximumDepth: 32), case .object = value
        else { return nil }
        return value
    }

    /// The offset of the first `{` that a quotation mark follows, with only white space between.
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

    /// The offset of the text after a byte order mark, if there is one.
    static func markEnd(in bytes: [UInt8]) -> Int { bytes.starts(with: byteOrderMark) ? byteOrderMark.count : 0 }

    /// U+FEFF in UTF-8. Some editors and libraries write it before a text.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
}
