extension JSONValue {
    /// Parses one whole JSON text.
    ///
    /// The parser is stricter than most where leniency would hide a fault in a message about money. A name that occurs twice in one
    /// object, bytes that are not UTF-8, and anything after the value are errors.
    ///
    /// - Parameters:
    ///   - bytes: the text as UTF-8.
    ///   - skipsMark: whether to skip a byte order mark before the text; otherwise it is an error (RFC 8259, section 8.1, allows either).
    ///   - maximumDepth: how many arrays and objects may be open at once, so that hostile input cannot exhaust the stack.
    /// - Throws: what is wrong, with its offset.
    package static func parse(
        _ bytes: [UInt8], skipsMark: Bool = false, maximumDepth: Int = 32
    ) throws(JSONError) -> JSONValue {
        try parse(bytes, from: skipsMark ? markEnd(in: bytes) : 0, mendsStrings: false, maximumDepth: maximumDepth)
    }

    /// - Parameters:
    ///   - start: the offset in `bytes` where the text begins. The offset of an error still counts from the first byte.
    ///   - mendsStrings: whether invalid parts of a string become U+FFFD instead of an error.
    static func parse(
        _ bytes: [UInt8], from start: Int, mendsStrings: Bool, maximumDepth: Int
    ) throws(JSONError) -> JSONValue {
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, JSONError> in
            var parser = JSONParser(bytes: buffer, from: start, mendsStrings: mendsStrings, maximumDepth: maximumDepth)
            do throws(JSONError) {
                return .success(try parser.parseDocument())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// A recursive-descent parser over one buffer. Each function starts at the first byte of its part and ends after the last.
private struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    let mendsStrings: Bool
    let maximumDepth: Int
    var offset: Int
    var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>, from start: Int, mendsStrings: Bool, maximumDepth: Int) {
        self.bytes = bytes
        self.mendsStrings = mendsStrings
        self.maximumDepth = maximumDepth
        offset = start
    }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        skipWhitespace()
        let value = try parseValue()
        skipWhitespace()
        guard offset == bytes.count else { throw failure("there is more after the end of the value") }
        return value
    }

    private mutating func parseValue() throws(JSONError) -> JSONValue {
        guard let byte = peek() else { throw failure("the text ends where a value should be") }
        switch byte {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONError) in .object(try parser.parseMembers()) }
        case UInt8(ascii: "["): return try nested { parser throws(JSONError) in .array(try parser.parseElements()) }
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try parseNumber())
        case UInt8(ascii: "t"): return try parseLiteral("true", as: .bool(true))
        case UInt8(ascii: "f"): return try parseLiteral("false", as: .bool(false))
        case UInt8(ascii: "n"): return try parseLiteral("null", as: .null)
        default: throw failure("a value cannot start with this byte")
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        guard depth < maximumDepth else { throw failure("nested more than \(maximumDepth) deep") }
        depth += 1
        offset += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func parseMembers() throws(JSONError) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        skipWhitespace()
        if take(UInt8(ascii: "}")) { return members }
        while true {
            skipWhitespace()
            guard peek() == UInt8(ascii: "\"") else { throw failure("a member's name should start here with a quotation mark") }
            let start = offset
            let name = try parseString()
            // A set is faster from about eight members on; real messages have fewer.
            let isRepeated = members.count < 8 ? members.contains { $0.name == name } : names.contains(name)
            guard !isRepeated else { throw JSONError(offset: start, reason: "the same name occurs twice in one object") }
            skipWhitespace()
            guard take(UInt8(ascii: ":")) else { throw failure("a colon should stand here") }
            skipWhitespace()
            members.append(JSONValue.Member(name, try parseValue()))
            if members.count == 8 { names = Set(members.map(\.name)) } else if members.count > 8 { names.insert(name) }
            skipWhitespace()
            if take(UInt8(ascii: "}")) { return members }
            guard take(UInt8(ascii: ",")) else { throw failure("a comma or the end of the object should stand here") }
        }
    }

    private mutating func parseElements() throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        skipWhitespace()
        if take(UInt8(ascii: "]")) { return elements }
        while true {
            skipWhitespace()
            elements.append(try parseValue())
            skipWhitespace()
            if take(UInt8(ascii: "]")) { return elements }
            guard take(UInt8(ascii: ",")) else { throw failure("a comma or the end of the array should stand here") }
        }
    }

    private mutating func parseLiteral(_ literal: StaticString, as value: JSONValue) throws(JSONError) -> JSONValue {
        let count = literal.utf8CodeUnitCount
        let expected = UnsafeBufferPointer(start: literal.utf8Start, count: count)
        guard offset + count <= bytes.count, bytes[offset..<offset + count].elementsEqual(expected) else {
            throw failure("this is neither true, false nor null")
        }
        offset += count
        return value
    }

    private mutating func parseNumber() throws(JSONError) -> String {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try takeDigits() }
        if take(UInt8(ascii: ".")) { try takeDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try takeDigits()
        }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func takeDigits() throws(JSONError) {
        let start = offset
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        guard offset > start else { throw failure("a digit should stand here") }
    }

    private mutating func parseString() throws(JSONError) -> String {
        offset += 1
        let start = offset
        while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { offset += 1 }
        if peek() == UInt8(ascii: "\"") {
            let text = try utf8(UnsafeBufferPointer(rebasing: bytes[start..<offset]).span, at: start)
            offset += 1
            return text
        }
        return try parseStringWithEscapes(from: start)
    }

    private mutating func parseStringWithEscapes(from start: Int) throws(JSONError) -> String {
        var unescaped = Array(bytes[start..<offset])
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return try utf8(unescaped.span, at: start)
            case UInt8(ascii: "\\"):
                offset += 1
                try parseEscape(into: &unescaped)
            case ..<0x20 where mendsStrings:
                unescaped.append(contentsOf: Self.replacement)
                offset += 1
            case ..<0x20:
                throw failure("a control character inside a string must be escaped")
            default:
                unescaped.append(byte)
                offset += 1
            }
        }
        throw failure("the text ends inside a string")
    }

    private mutating func parseEscape(into unescaped: inout [UInt8]) throws(JSONError) {
        guard let byte = peek() else { throw failure("the text ends inside a string") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"): unescaped.append(contentsOf: Character(try parseUnicodeEscape()).utf8)
        default: throw failure("this escape does not exist in JSON")
        }
    }

    /// The four digits after `\u`, and the escape of the low surrogate after a high one.
    private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try parseFourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if mendsStrings { return mendedSurrogate(after: first) }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw failure("half of a surrogate pair stands alone")
        }
        let second = try parseFourHexDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure("half of a surrogate pair stands alone") }
        return scalar
    }

    /// The character of a surrogate pair, or U+FFFD for a half that stands alone. The text after such a half is not consumed.
    private mutating func mendedSurrogate(after first: UInt32) -> Unicode.Scalar {
        let start = offset
        if first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let second = try? parseFourHexDigits(),
            (0xDC00..<0xE000).contains(second), let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        {
            return scalar
        }
        offset = start
        return "\u{FFFD}"
    }

    private mutating func parseFourHexDigits() throws(JSONError) -> UInt32 {
        guard offset + 4 <= bytes.count else { throw failure("the text ends inside a string") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
                throw failure("four hexadecimal digits should stand here")
            }
            value = value << 4 + UInt32(digit)
            offset += 1
        }
        return value
    }

    private func utf8(_ bytes: Span<UInt8>, at start: Int) throws(JSONError) -> String {
        guard let text = try? UTF8Span(validating: bytes) else {
            if mendsStrings { return bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }
            throw JSONError(offset: start, reason: "a string is not valid UTF-8")
        }
        return String(copying: text)
    }

    /// U+FFFD in UTF-8.
    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skipWhitespace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private func failure(_ reason: String) -> JSONError { JSONError(offset: offset, reason: reason) }
}
