import ExactJSON
import Testing

@Suite("Exact JSON", .timeLimit(.minutes(1)))
struct JSONParserTests {
    @Test(
        "a number keeps its spelling",
        arguments: ["0", "-0", "10", "10.10", "-1.50", "1e3", "1E+3", "2.5e-400", "1e400", "123456789012345678901234567890123456789012345"])
    func numbersKeepSpelling(spelling: String) throws {
        #expect(try JSONValue.parse(Array(spelling.utf8)) == .number(spelling))
        #expect(try JSONValue.parse(Array("[ \(spelling)\n]".utf8)).encoded == Array("[\(spelling)]".utf8))
    }

    @Test("every kind of value is read, in order")
    func valuesOfEveryKindAreRead() throws {
        let text = #" {"a":null,"b":[true,false,{}],"":"", "z":{"y":[]} } "#
        let value = try JSONValue.parse(Array(text.utf8))
        #expect(
            value
                == .object([
                    .init("a", .null), .init("b", .array([.bool(true), .bool(false), .object([])])), .init("", .string("")),
                    .init("z", .object([.init("y", .array([]))])),
                ]))
        #expect(value.encoded == Array(#"{"a":null,"b":[true,false,{}],"":"","z":{"y":[]}}"#.utf8))
        #expect(value["z"]?["y"] == .array([]))
        #expect(value["none"] == nil)
        #expect(value["b"]?["a"] == nil)
    }

    @Test(
        "the escapes of a string are decoded",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u0041\u00e9\u20AC""#, "Aé€"), (#""\ud83d\ude00""#, "😀"),
            (#""\u0000""#, "\0"), ("\"größe €😀\"", "größe €😀"), (#""ab\u0063d""#, "abcd"),
        ])
    func escapesAreDecoded(text: String, expected: String) throws {
        #expect(try JSONValue.parse(Array(text.utf8)) == .string(expected))
    }

    @Test(
        "a text that is not JSON is refused",
        arguments: [
            "", " ", "{", "[", "\"", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{,}", "{1:2}", "[1,]", "[,1]", "[1 2]", "01", "-",
            "+1", ".5",
            "1.", "1e", "1e+", "0x10", "NaN", "Infinity", "nul", "True", "truex", "'a'", "{} {}", "1 2", "{\"a\" 1}", "\"\t\"", "\"a\nb\"",
            #""\x""#, #""\u12""#, #""\u12g4""#, #""\ud83d""#, #""\ud83dx""#, #""\ud83d\u0041""#, #""\ude00""#, "// c\n1", "\u{feff}{}",
            #"{"a":1,"a":2}"#,
        ])
    func invalidJSONIsRefused(text: String) {
        #expect(throws: JSONError.self) { try JSONValue.parse(Array(text.utf8)) }
    }

    @Test("a name that occurs twice is refused in a large object too, whatever its escapes")
    func repeatedNamesAreRefused() throws {
        let members = (0..<20).map { "\"n\($0)\":\($0)" }.joined(separator: ",")
        #expect(throws: Never.self) { try JSONValue.parse(Array("{\(members)}".utf8)) }
        for index in 0..<20 {
            #expect(throws: JSONError.self) { try JSONValue.parse(Array("{\(members),\"\\u006e\(index)\":0}".utf8)) }
        }
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22], [0xFF],
            [0x22, 0x5C, 0x6E, 0xE2, 0x82, 0x22],
        ] as [[UInt8]])
    func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONValue.parse(bytes) }
    }

    @Test("nesting is limited")
    func nestingIsLimited() {
        let deep = { (depth: Int) in Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8) }
        #expect(throws: Never.self) { try JSONValue.parse(deep(32)) }
        #expect(throws: JSONError.self) { try JSONValue.parse(deep(33)) }
        #expect(throws: JSONError.self) { try JSONValue.parse(Array(String(repeating: "[{\"a\":", count: 100_000).utf8)) }
    }

    @Test("an error gives offset and reason, and repeats nothing of the text")
    func errorsRevealNothingOfText() {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(Array(#"{"canumber":"98765" 1}"#.utf8)) }
        #expect(error?.offset == 20)
        #expect(error?.description == "a comma or the end of the object should stand here (byte 20)")
    }

    @Test("encoded values are parsed as the same values")
    func encodingRoundTrips() throws {
        let text = String(String.UnicodeScalarView((0..<0x300).compactMap(Unicode.Scalar.init))) + "\u{2028}😀"
        let value = JSONValue.object([.init(text, .string(text)), .init("n", .number("1.000"))])
        #expect(try JSONValue.parse(value.encoded) == value)
        #expect(value.encoded.allSatisfy { $0 >= 0x20 })
    }
}
