import ExactJSON
import Testing

@Suite("JSON of foreign servers", .timeLimit(.minutes(1)))
struct AnswerParsingTests {
    private static let object = JSONValue.object([.init("a", .number("1"))])

    @Test(
        "text before the object is skipped",
        arguments: [
            "", "\u{FEFF}", "\n \t", "\u{FEFF}\r\n", "<br />\n<b>Warning</b>: Undefined index in <b>/var/www/x.php</b> on line <b>7</b>\n",
            "<style>body{color:red}</style>", ")]}',\n", "Notice: {x}\n",
        ])
    func textBeforeObjectIsSkipped(prefix: String) throws {
        for text in [prefix + #"{"a":1}"#, prefix + "{ \n\"a\":1}\r\n "] {
            #expect(try JSONValue.parse(answer: Array(text.utf8)) == Self.object)
        }
    }

    @Test(
        "a text with more than one possible meaning is refused",
        arguments: [
            #"{"a":1}{"a":1}"#, #"{"a":2} {"a":1}"#, #"{"a":1}<br>"#, #"{"a":1,"b":{"a":1}"#, #"{"a":x,"b":{"a":1}}"#, #"x{"a":1}]"#,
            #"[{"a":1}]x"#, #"{"a":1,"a":2}"#, "", "<html>", "{", #"{"a"#, "\u{FEFF}", #"callback({"a":1})"#,
        ])
    func ambiguousTextIsRefused(text: String) {
        #expect(throws: JSONError.self) { try JSONValue.parse(answer: Array(text.utf8)) }
    }

    @Test("a whole value of another kind is returned as it is", arguments: ["[]", "{}", "\u{FEFF}{}", "null", #""{\"a\":1}""#])
    func otherValuesAreReturned(text: String) throws {
        #expect(try JSONValue.parse(answer: Array(text.utf8)) != Self.object)
    }

    @Test("invalid parts of a string are replaced, and the rest is kept")
    func invalidPartsOfStringsAreReplaced() throws {
        func read(_ bytes: [UInt8]) throws -> String? {
            try JSONValue.parse(answer: Array(#"{"a":1,"m":""#.utf8) + bytes + Array(#""}"#.utf8))["m"]?.text
        }
        #expect(try read([0x61, 0xFF, 0x62]) == "a\u{FFFD}b")
        #expect(try read([0x61, 0x00, 0x0A, 0x62]) == "a\u{FFFD}\u{FFFD}b")
        #expect(try read([0x5C, 0x6E, 0xC3]) == "\n\u{FFFD}")
        #expect(try read(Array(#"\ud83d"#.utf8)) == "\u{FFFD}")
        #expect(try read(Array(#"\ud83dx\ude00"#.utf8)) == "\u{FFFD}x\u{FFFD}")
        #expect(try read(Array(#"\ud83d\u0041"#.utf8)) == "\u{FFFD}A")
        #expect(try read(Array(#"\ud83d\ude00"#.utf8)) == "😀")
        #expect(throws: JSONError.self) { try read(Array(#"\x"#.utf8)) }
    }

    @Test("an error's offset counts from the first byte of the whole text")
    func errorOffsetCountsFromFirstByte() {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(answer: Array(#"noise {"a":1 2}"#.utf8)) }
        #expect(error?.offset == 13)
    }
}
