import CRabbitMQ
import Testing

@testable import AMQP

@Suite("decoding properties", .timeLimit(.minutes(1)))
struct PropertiesDecodingTests {
    @Test("a text that is not UTF-8 is not changed into another text; its bytes are kept under the property's name")
    func textsThatAreNotUTF8KeepTheirBytes() {
        var (bad, good): ([UInt8], [UInt8]) = ([0x43, 0xe4, 0xff], Array("C1 ä".utf8))
        bad.withUnsafeMutableBytes { bad in
            good.withUnsafeMutableBytes { good in
                var source = amqp_basic_properties_t()
                source._flags = UInt32(AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_HEADERS_FLAG)
                source.correlation_id = amqp_bytes_t(len: bad.count, bytes: bad.baseAddress)
                source.message_id = amqp_bytes_t(len: good.count, bytes: good.baseAddress)
                var entry = amqp_table_entry_t()
                entry.key = source.message_id
                entry.value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
                entry.value.value.bytes = source.correlation_id
                withUnsafeMutablePointer(to: &entry) { entry in
                    source.headers = amqp_table_t(num_entries: 1, entries: entry)
                    let properties = Properties(source)
                    #expect(properties.correlationID == nil)
                    #expect(properties.messageID == "C1 ä")
                    #expect(properties.unreadable == ["correlation_id": [0x43, 0xe4, 0xff]])
                    #expect(properties.headers == ["C1 ä": .bytes([0x43, 0xe4, 0xff])])
                }
            }
        }
    }
}
