/// How to reach the broker and how long to wait for it.
package struct AMQPConfiguration: Sendable {
    /// The brokers, tried in turn.
    package var urls: [AMQPURL]
    /// Whole seconds between two heartbeats, at least one. A peer that is silent for two of them is given up.
    package var heartbeat: Duration = .seconds(20)
    /// The longest time for a TCP (and TLS) connection, and again for the login.
    ///
    /// Name resolution comes before it and has the resolver's own limits (`resolv.conf`): the C library offers none.
    package var connectTimeout: Duration = .seconds(10)
    /// The longest time for the broker to answer a request, such as a declaration.
    package var rpcTimeout: Duration = .seconds(20)
    /// How long a message may go without the broker's answer before the session is given up: what holds up the confirm may be the session itself.
    package var longestConfirm: Duration = .seconds(60)
    /// Messages that may be unanswered at once; more wait in this process.
    package var maximumUnconfirmed: Int = 8_192
    /// The largest body, in bytes, that is kept in memory; of a larger one only the size is told.
    package var maximumBodySize: Int = 1 << 20
    /// Body and properties, in bytes, up to which every message is kept. Larger ones are kept while there is room for them.
    package var ordinarySize: Int = 64 << 10
    /// The room for larger messages, in bytes, all of them together that are not settled yet; of what finds no room only the size is told.
    package var roomForLarge: Int = 16 << 20
    package var tls = TLS()
    package var backoff = Backoff()
    /// What operators see in the broker's list of connections; the role is added to it.
    package var connectionName: String = "bos-worker"
    /// The program's version, as the broker shows it with each connection.
    package var version: String = "unknown"

    package init(urls: [AMQPURL]) {
        self.urls = urls
    }

    /// What an `amqps` URL needs. The broker's certificate and its host name are always checked, with TLS 1.2 as the least.
    ///
    /// librabbitmq before 0.16 has faults that a hostile broker can use against it: only TLS with a private CA rules out such a broker.
    package struct TLS: Sendable {
        /// The authorities that may have signed the broker's certificate. The C library knows no default; this is Debian's.
        package var caFile: String = "/etc/ssl/certs/ca-certificates.crt"
        /// This client's certificate chain, if the broker asks for one.
        package var certificateFile: String?
        /// The key of that certificate, unencrypted.
        package var keyFile: String?

        package init() {}
    }

    var heartbeatSeconds: Int32 { Int32(clamping: max(1, min(heartbeat.components.seconds, 65_535))) }
}
