import AMQP
import ExactJSON
import Testing

@testable import BOSCtl

@Suite("The mask over messages that were not understood", .timeLimit(.minutes(1)))
struct SubscriberMaskTests {
    /// A text, and what is shown of it.
    private static let texts: [(String, shown: String)] = [
        ("call 9876543210 now", "call ***210 now"),
        ("98765 43210", "***210"),
        ("+91-98765-43210", "+***210"),
        ("DL12CB4685", "***685"),
        ("٩٨٧٦٥٤٣٢١٠", "***٢١٠"),
        ("9\u{0}8\u{0}7\u{0}6\u{0}5\u{0}4\u{0}3\u{0}", "***4?3?"),
        ("order 123456 of 2026-11", "order 123456 of 2026-11"),
        ("no number", "no number"),
        ("\u{1B}[2J\u{202E}", "?[2J?"),
        ("", ""),
    ]

    @Test("what may be a number keeps its last three characters, and control characters become visible", arguments: texts)
    func masksText(text: String, shown: String) {
        #expect(SubscriberMask.text(text) == shown)
    }

    /// A body, and what is shown of it.
    private static let bodies: [(String, shown: String)] = [
        (
            #"{"operator":311,"canumber":"12345","amount":10,"referenceid":"1234435687678"}"#,
            #"{"operator":311,"canumber":"***","amount":10,"referenceid":"1234435687678"}"#
        ),
        (#"{"CA_Number":"x","canumber":9876543210}"#, #"{"CA_Number":"x","canumber":"***210"}"#),
        (#"{"canumber":["9876543210"],"note":{"phone":9876543210}}"#, #"{"canumber":["***210"],"note":{"phone":"***210"}}"#),
        (#"{"canumber":"9876543210","referenceid":"r-9876543210"}"#, #"{"canumber":"***210","referenceid":"r-***210"}"#),
        (#"{"9876543210":1}"#, #"{"***210":1}"#),
        (#"{"canumber":"9876543210""#, #"{"canumber":"***210""#),
        (#"["9876543210"]"#, #"["***210"]"#),
    ]

    @Test("a body is masked whether or not it is a job, and its reference stays readable", arguments: bodies)
    func masksBody(body: String, shown: String) {
        #expect(SubscriberMask.body(Array(body.utf8)) == shown)
    }

    @Test("the number does not appear in a header of any type")
    func masksHeaders() {
        let number = "9876543210"
        let headers: [String: FieldValue] = [
            "a": .string(number), "b": .int(9_876_543_210), "c": .bytes(Array(number.utf8)), "d": .array([.string(number)]),
            "e": .table([number: .double(9_876_543_210)]), "f": .decimal(scale: 0, value: 4_276_543_210), "g": .timestamp(.max), "h": .null,
            "i": .bool(true), "j": .int(.min),
        ]
        let shown = String(decoding: JSONValue.object(SubscriberMask.members(headers)).encoded, as: UTF8.self)
        #expect(!shown.contains("76543"))
        #expect(shown.contains(#""i":true"#) && shown.contains(#""a":"***210""#))
    }
}
