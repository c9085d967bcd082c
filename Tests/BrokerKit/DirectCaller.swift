private import CRabbitMQ
private import DedicatedThread
private import Glibc

/// A caller that uses direct reply-to, as RPC libraries do. It publishes and receives on one channel.
package actor DirectCaller {
    package struct Failure: Error {
        let step: String
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private let thread: DedicatedThread
    private let handle: amqp_connection_state_t
    /// The library does not copy its arguments, so the texts are kept until the end.
    private var strings: [UnsafeMutablePointer<CChar>] = []

    private init() throws {
        guard let handle = amqp_new_connection() else { throw Failure(step: "memory") }
        self.handle = handle
        thread = try DedicatedThread(name: "direct-caller")
    }

    /// Runs `body` with a new caller and closes the caller afterwards.
    package static func with<Result: Sendable>(_ broker: TestBroker, body: (DirectCaller) async throws -> Result) async throws -> Result {
        let caller = try DirectCaller()
        do {
            try await caller.open(port: broker.port)
            let result = try await body(caller)
            await caller.end()
            return result
        } catch {
            await caller.end()
            throw error
        }
    }

    /// Publishes a request with this caller as the address of its reply.
    /// - Throws: `Failure`.
    package func publish(_ body: [UInt8], exchange: String, routingKey: String, correlationID: String) throws {
        var properties = amqp_basic_properties_t()
        properties._flags = UInt32(AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG)
        properties.reply_to = bytes(Self.replies)
        properties.correlation_id = bytes(correlationID)
        properties.content_type = bytes("application/json")
        let status = body.withUnsafeBytes { body in
            amqp_basic_publish(
                handle, 1, bytes(exchange), bytes(routingKey), 0, 0, &properties,
                amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
        }
        guard status == 0 else { throw Failure(step: "publishing") }
    }

    /// Waits up to a minute for the next reply and returns its body.
    /// - Throws: `Failure` if none comes.
    package func reply() throws -> [UInt8] {
        var envelope = amqp_envelope_t()
        var timeout = timeval(tv_sec: 60, tv_usec: 0)
        guard amqp_consume_message(handle, &envelope, &timeout, 0).reply_type == AMQP_RESPONSE_NORMAL else {
            throw Failure(step: "waiting")
        }
        defer { amqp_destroy_envelope(&envelope) }
        return Array(UnsafeRawBufferPointer(start: envelope.message.body.bytes, count: envelope.message.body.len))
    }

    private static let replies = "amq.rabbitmq.reply-to"

    private func open(port: Int) throws {
        guard let socket = amqp_tcp_socket_new(handle), amqp_socket_open(socket, "127.0.0.1", Int32(port)) == 0 else {
            throw Failure(step: "connecting")
        }
        var properties = amqp_table_t()
        let login = bos_amqp_login_plain(handle, "/", 0, 131_072, 0, &properties, "guest", "guest")
        guard login.reply_type == AMQP_RESPONSE_NORMAL, amqp_channel_open(handle, 1) != nil,
            amqp_basic_consume(handle, 1, bytes(Self.replies), amqp_bytes_t(), 0, 1, 0, amqp_table_t()) != nil
        else { throw Failure(step: "logging in") }
    }

    private nonisolated func end() async {
        await close()
        thread.stop()
    }

    private func close() {
        amqp_connection_close(handle, AMQP_REPLY_SUCCESS)
        amqp_destroy_connection(handle)
        for string in strings { free(string) }
    }

    private func bytes(_ text: String) -> amqp_bytes_t {
        guard let copy = strdup(text) else { return amqp_bytes_t() }
        strings.append(copy)
        return amqp_cstring_bytes(copy)
    }
}
