/// How to reach the broker and how long to wait for it.
package struct AMQPConfiguration: Sendable {
    /// The brokers. The connection tries them in turn.
    package var urls: [AMQPURL]
    /// The time between two heartbeats, in whole seconds, at least one. The connection gives up a peer that is silent for two of them.
    package var heartbeat: Duration = .seconds(20)
    /// The longest time for the TCP (and TLS) connection, and again for the login.
    ///
    /// Name resolution comes before and is not included. The C library has no limit for it; the resolver has (`resolv.conf`).
    package var connectTimeout: Duration = .seconds(10)
    /// The longest time for the broker to answer a request, such as a declaration.
    package var rpcTimeout: Duration = .seconds(20)
    /// How long a message may wait for the broker's confirm before the connection gives up the session. The cause of the delay may be
    /// the session itself.
    package var longestConfirm: Duration = .seconds(60)
    /// The most messages that may be unconfirmed at once. Further messages wait in this process.
    package var maximumUnconfirmed: Int = 8_192
    /// The largest body, in bytes, that the connection keeps in memory. Of a larger body it reports the size alone.
    package var maximumBodySize: Int = 1 << 20
    /// The size of body and properties, in bytes, up to which the connection keeps every message. It keeps a larger message only while
    /// `roomForLarge` is not used up.
    package var ordinarySize: Int = 64 << 10
    /// The memory, in bytes, for all larger messages that are not settled yet. Of a message that does not fit, only the size is reported.
    package var roomForLarge: Int = 16 << 20
    package var tls = TLS()
    package var backoff = Backoff()
    /// The connection's name in the broker's list of connections, where operators see it. The connection appends its role.
    package var connectionName: String = "bos-worker"
    /// The program's version. The broker shows it with each connection.
    package var version: String = "unknown"

    /// - Parameter urls: the brokers, in the order in which they are tried. All other fields have defaults.
    package init(urls: [AMQPURL]) {
        self.urls = urls
    }

    /// Settings of an `amqps` URL. The connection always checks the broker's certificate and host name, and uses TLS 1.2 or newer.
    ///
    /// librabbitmq before 0.16 has faults that a hostile broker can exploit. Only TLS with a private CA rules out such a broker.
    package struct TLS: Sendable {
        /// The certificate authorities that may have signed the broker's certificate. The C library has no default; this is Debian's file.
        package var caFile: String = "/etc/ssl/certs/ca-certificates.crt"
        /// The certificate chain of this client, if the broker requests one.
        package var certificateFile: String?
        /// The private key of that certificate, unencrypted.
        package var keyFile: String?

        package init() {}
    }

    var heartbeatSeconds: Int32 { Int32(clamping: max(1, min(heartbeat.components.seconds, 65_535))) }
}
