import AMQP
import Secrets
import Testing

@Suite("broker URLs", .timeLimit(.minutes(1)))
struct AMQPURLTests {
    @Test(
        "a URL gets the standard's defaults and is shown without its password",
        arguments: [
            ("amqp://h", "amqp://guest@h:5672/%2f"), ("amqps://u:p@h/v", "amqps://u@h:5671/v"),
            ("amqp://u:p%40%2f@h:1/%2f", "amqp://u@h:1/%2f"),
            ("amqp://[::1]:5673/a%2fb", "amqp://guest@[::1]:5673/a/b"), ("amqp://u@h/", "amqp://u@h:5672/%2f"),
        ])
    func parsesURLWithDefaults(text: String, shown: String) throws {
        #expect(try AMQPURL(text).description == shown)
    }

    @Test("the password is decoded and cannot be printed")
    func passwordIsDecodedAndHidden() throws {
        let url = try AMQPURL("amqp://u:p%40:w@h")
        #expect(url.password.revealed == "p@:w")
        var dumped = ""
        dump(url, to: &dumped)
        #expect(!dumped.contains("p@:w") && !"\(url.password) \(String(reflecting: url))".contains("p@:w"))
    }

    @Test(
        "a text that is not a broker URL is refused with the reason, and the error repeats nothing of the text",
        arguments: [
            ("http://h", AMQPURLError.scheme), ("amqp://", .host), ("amqp://u:secret@:5", .host), ("amqp://h:0", .port),
            ("amqp://h:99999", .port),
            ("amqp://h:x", .port), ("amqp://[::1", .host), ("amqp://[::1]x", .host), ("amqp://h/?heartbeat=5", .query),
            ("amqp://u:%zz@h", .encoding(part: "password")), ("amqp://u%0@h", .encoding(part: "user")),
            ("amqp://h/%00", .encoding(part: "virtual host")),
            ("amqp://u:/secret@h/v", .misplacedAt), ("amqp://u:12/secret@h", .misplacedAt),
            ("amqp://u:%ff@h", .encoding(part: "password")),
        ])
    func invalidURLIsRefused(text: String, error: AMQPURLError) {
        #expect(throws: error) { try AMQPURL(text) }
        #expect(!error.description.contains("secret"))
    }
}
