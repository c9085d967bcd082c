internal import CRabbitMQ
private import Glibc
private import Secrets

/// Connects and logs in. These calls of the C library block.
enum Dialer {
    /// Opens and configures the socket. Returns its descriptor, which the library owns.
    static func connect(_ handle: amqp_connection_state_t, to url: AMQPURL, configuration: AMQPConfiguration) throws(SessionError) -> Int32
    {
        let socket = url.usesTLS ? try tlsSocket(handle, url: url, tls: configuration.tls) : amqp_tcp_socket_new(handle)
        guard let socket else { throw .unreachable(url: url.description, reason: "out of memory") }
        var timeout = timeval(configuration.connectTimeout)
        let status = amqp_socket_open_noblock(socket, url.host, Int32(url.port), &timeout)
        let reason = String(cString: amqp_error_string2(status))
        switch amqp_status_enum(status) {
        case AMQP_STATUS_OK: break
        case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, AMQP_STATUS_SSL_PEER_VERIFY_FAILED, AMQP_STATUS_SSL_CONNECTION_FAILED,
            AMQP_STATUS_SSL_ERROR:
            throw .tlsFailed(url: url.description, reason: reason)
        default: throw .unreachable(url: url.description, reason: reason)
        }
        let descriptor = amqp_socket_get_sockfd(socket)
        setUp(descriptor, heartbeat: configuration.heartbeatSeconds)
        return descriptor
    }

    private static func tlsSocket(_ handle: amqp_connection_state_t, url: AMQPURL, tls: AMQPConfiguration.TLS) throws(SessionError)
        -> OpaquePointer?
    {
        guard let socket = amqp_ssl_socket_new(handle) else { return nil }
        func fail(_ reason: String) -> SessionError { .tlsFailed(url: url.description, reason: reason) }
        amqp_ssl_socket_set_verify_peer(socket, 1)
        amqp_ssl_socket_set_verify_hostname(socket, 1)
        // The library knows 1.2 as its newest version. With 1.2 as the minimum, 1.3 is used where both sides support it.
        guard amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) == 0 else { throw fail("TLS 1.2 is not available") }
        guard amqp_ssl_socket_set_cacert(socket, tls.caFile) == 0 else { throw fail("the CA file \(tls.caFile) cannot be used") }
        switch (tls.certificateFile, tls.keyFile) {
        case (nil, nil): break
        case (let certificate?, let key?):
            guard amqp_ssl_socket_set_key(socket, certificate, key) == 0 else {
                throw fail("the client certificate \(certificate) and its key \(key) cannot be used")
            }
        default: throw fail("a client certificate needs both its file and its key's file")
        }
        return socket
    }

    /// Makes the kernel notice a peer that has vanished. It takes at most two heartbeats, as the heartbeats themselves do.
    private static func setUp(_ descriptor: Int32, heartbeat: Int32) {
        func set(_ option: Int32, level: Int32, to value: Int32) {
            var value = value
            setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
        set(TCP_USER_TIMEOUT, level: Int32(IPPROTO_TCP), to: 2000 * heartbeat)
        set(SO_KEEPALIVE, level: SOL_SOCKET, to: 1)
        set(TCP_KEEPIDLE, level: Int32(IPPROTO_TCP), to: heartbeat)
        set(TCP_KEEPINTVL, level: Int32(IPPROTO_TCP), to: max(1, heartbeat / 2))
        set(TCP_KEEPCNT, level: Int32(IPPROTO_TCP), to: 2)
    }

    /// Logs in. Returns the broker's version and the name of its cluster.
    ///
    /// Without the capabilities below, the broker drops a consumer silently, and never says that it blocks the connection
    /// (rabbitmq-c issues 870 and 836).
    static func logIn(_ handle: amqp_connection_state_t, at url: AMQPURL, name: String, configuration: AMQPConfiguration)
        throws(SessionError) -> (version: String, cluster: String?)
    {
        var timeout = timeval(configuration.connectTimeout)
        amqp_set_handshake_timeout(handle, &timeout)
        let arena = Arena()
        var properties = arena.table([
            "product": .string(configuration.connectionName),
            "version": .string(configuration.version),
            "platform": .string("Swift, librabbitmq \(String(cString: amqp_version()))"),
            "connection_name": .string(name),
            "capabilities": .table([
                "consumer_cancel_notify": .bool(true), "connection.blocked": .bool(true), "basic.nack": .bool(true),
                "publisher_confirms": .bool(true), "authentication_failure_close": .bool(true),
            ]),
        ])
        let reply = bos_amqp_login_plain(
            handle, url.virtualHost, AMQP_DEFAULT_MAX_CHANNELS, AMQP_DEFAULT_FRAME_SIZE, configuration.heartbeatSeconds, &properties,
            url.user,
            url.password.revealed)
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: break
        case AMQP_RESPONSE_SERVER_EXCEPTION: throw refusal(reply, url: url)
        default: throw failure(reply.library_error, url: url)
        }
        let server = amqp_get_server_properties(handle).map { FieldValue.table($0.pointee, depth: 0) } ?? [:]
        func text(_ name: String) -> String? { if case .string(let text)? = server[name] { text } else { nil } }
        return (text("version") ?? "unknown", text("cluster_name"))
    }

    /// The longest frame that the library accepts, in bytes.
    static let longestFrame: Int32 = 1 << 20

    /// Lets the library accept heads of messages that are longer than the frames that both sides have agreed on.
    ///
    /// The broker adds headers to a message: the count of its deliveries, the places where it was dead-lettered. It sends the head in one frame, however
    /// long it is. The library ends the session at a longer frame than agreed; then one such message would stop all others.
    static func acceptLongHeads(_ handle: amqp_connection_state_t, at url: AMQPURL) throws(SessionError) {
        let channels = amqp_get_channel_max(handle)
        let length = max(longestFrame, amqp_get_frame_max(handle))
        let status = amqp_tune_connection(handle, channels, length, amqp_get_heartbeat(handle))
        guard status >= 0 else { throw failure(status, url: url) }
    }

    private static func refusal(_ reply: amqp_rpc_reply_t, url: AMQPURL) -> SessionError {
        guard reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD, let decoded = reply.reply.decoded else {
            return .closedDuringLogin(url: url.description)
        }
        let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
        let text = "\(close.reply_code) \(String(close.reply_text))"
        return switch Int32(close.reply_code) {
        case AMQP_ACCESS_REFUSED: .loginRefused(url: url.description, text: text)
        case AMQP_NOT_ALLOWED, AMQP_INVALID_PATH: .virtualHostRefused(url: url.description, text: text)
        default: .closedByBroker(code: close.reply_code, text: String(close.reply_text))
        }
    }

    private static func failure(_ status: Int32, url: AMQPURL) -> SessionError {
        switch amqp_status_enum(status) {
        case AMQP_STATUS_TIMEOUT: .timedOut(operation: "the login at \(url)")
        case AMQP_STATUS_CONNECTION_CLOSED, AMQP_STATUS_SOCKET_ERROR, AMQP_STATUS_SOCKET_CLOSED: .closedDuringLogin(url: url.description)
        case AMQP_STATUS_SSL_ERROR: .tlsFailed(url: url.description, reason: "the broker ended it; it may require a client certificate")
        default: .protocolViolation("the login at \(url) failed: \(String(cString: amqp_error_string2(status)))")
        }
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = max(duration, .zero).components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
