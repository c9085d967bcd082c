import AMQP
import ExactJSON
import Foundation
import Glibc

/// The file that keeps what is dropped from a queue: one JSON value a line, with everything that is needed to publish the message again. Subscriber
/// numbers are not masked, because the file is the only copy. Only its owner may read it.
final class DropFile {
    let path: String
    private let descriptor: Int32

    /// Creates the file. An existing one is not touched.
    /// - Throws: ``KeptFailure/file(_:_:)``.
    init(path: String) throws(KeptFailure) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path) }
        // The file's name must be on disk too.
        let parent = (path as NSString).deletingLastPathComponent
        let folder = open(parent.isEmpty ? "." : parent, O_RDONLY)
        defer { if folder >= 0 { close(folder) } }
        guard folder >= 0, fsync(folder) == 0 else {
            close(descriptor)
            throw Self.failure(path)
        }
    }

    deinit { close(descriptor) }

    /// Appends the messages. They are on disk when this returns.
    func append(_ messages: [KeptMessage]) throws(KeptFailure) {
        var bytes: [UInt8] = []
        for message in messages { bytes += message.record.encoded + [UInt8(ascii: "\n")] }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || (count < 0 && errno == EINTR) else { throw Self.failure(path) }
            written += max(0, count)
        }
        guard fsync(descriptor) == 0 else { throw Self.failure(path) }
    }

    private static func failure(_ path: String) -> KeptFailure { .file(path, String(cString: strerror(errno))) }
}

extension KeptMessage {
    /// The whole message, unmasked.
    var record: JSONValue {
        let properties = message.properties
        let unreadable = properties.unreadable.sorted { $0.key < $1.key }
        func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        func number(_ number: UInt64?) -> JSONValue { number.map { .number(String($0)) } ?? .null }
        let body: JSONValue.Member =
            if let text = String(validating: message.body, as: UTF8.self) {
                .init("body", .string(text))
            } else {
                .init("body_base64", .string(Data(message.body).base64EncodedString()))
            }
        return .object([
            .init("id", .string(id)), .init("queue", .string(queue)), .init("exchange", .string(exchange)),
            .init("routing_key", .string(routingKey)), .init("original_exchange", text(origin?.exchange)),
            .init("original_routing_key", text(origin?.routingKey)), .init("user_id", text(user)),
            .init("app_id", text(properties.appID)), .init("content_type", text(properties.contentType)),
            .init("content_encoding", text(properties.contentEncoding)), .init("correlation_id", text(properties.correlationID)),
            .init("reply_to", text(properties.replyTo)), .init("message_id", text(properties.messageID)),
            .init("type", text(properties.type)), .init("expiration", text(properties.expiration)),
            .init("timestamp", number(properties.timestamp)), .init("priority", number(properties.priority.map { UInt64($0) })),
            .init("unreadable_base64", .object(unreadable.map { .init($0.key, Self.base64($0.value)) })),
            .init("headers", .object(Self.members(properties.headers))), body,
        ])
    }

    private static func base64(_ bytes: [UInt8]) -> JSONValue { .string(Data(bytes).base64EncodedString()) }

    private static func members(_ table: [String: FieldValue]) -> [JSONValue.Member] {
        table.sorted { $0.key < $1.key }.map { .init($0.key, json($0.value)) }
    }

    /// A header's value. A type that JSON does not have becomes an object with one member, the name of the type.
    private static func json(_ field: FieldValue) -> JSONValue {
        func object(_ type: String, of value: JSONValue) -> JSONValue { .object([.init(type, value)]) }
        return switch field {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .number(String(value))
        case .string(let value): .string(value)
        case .array(let values): .array(values.map(json))
        case .double(let value): object("double", of: .string("\(value)"))
        case .decimal(let scale, let value): object("decimal", of: .string("\(value)e-\(scale)"))
        case .bytes(let bytes): object("base64", of: base64(bytes))
        case .timestamp(let seconds): object("timestamp", of: .number(String(seconds)))
        case .table(let table): object("table", of: .object(members(table)))
        }
    }
}
