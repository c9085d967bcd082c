import AMQP
import BrokerKit
import Foundation
import Testing

@Suite("TLS", .timeLimit(.minutes(2)))
struct TLSTests {
    @Test("the client checks the broker's CA and host name, and the broker checks the client's certificate")
    func bothSidesAreAuthenticated() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(TestBroker.name("tls")).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Self.makeCertificates(in: folder)
        let port = try Self.freePort()
        let broker = try await TestBroker.start(configuration: [
            "listeners.ssl.1 = 127.0.0.1:\(port)", "ssl_options.cacertfile = \(folder)/ca.pem",
            "ssl_options.certfile = \(folder)/localhost.pem",
            "ssl_options.keyfile = \(folder)/localhost.key", "ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true",
        ])
        let good: @Sendable (inout AMQPConfiguration) -> Void = { configuration in
            configuration.tls.caFile = "\(folder)/ca.pem"
            configuration.tls.certificateFile = "\(folder)/client.pem"
            configuration.tls.keyFile = "\(folder)/client.key"
        }
        try await TestConnection.with("amqps://localhost:\(port)", change: good) { client in
            try await client.connection.whenConnected()
            try await client.connection.publish(
                Message(body: [UInt8](repeating: 7, count: 500_000)), exchange: "amq.fanout", routingKey: "")
            #expect(client.connection.status.reconnects == 0)
        }
        try await expectFailure("amqps://127.0.0.1:\(port)", because: "hostname", change: good)
        try await expectFailure("amqps://localhost:\(port)", because: "peer cert") {
            good(&$0)
            $0.tls.caFile = "\(folder)/other.pem"
        }
        try await expectFailure("amqps://localhost:\(port)", because: "client certificate") { $0.tls.caFile = "\(folder)/ca.pem" }
        try await expectFailure("amqps://localhost:\(port)", because: "\(folder)/missing.pem") { $0.tls.caFile = "\(folder)/missing.pem" }
        try await expectFailure("amqps://localhost:\(port)", because: "its key's file") {
            good(&$0)
            $0.tls.keyFile = nil
        }
        // The broker does not speak TLS on this port.
        try await expectFailure("amqps://localhost:\(broker.port)", because: "handshake", change: good)
        try await broker.stop()
    }

    private func expectFailure(_ url: String, because word: String, change: (inout AMQPConfiguration) -> Void) async throws {
        try await TestConnection.with(url, change: change) { client in
            let error = await client.events.setupError()
            guard case .tlsFailed(_, let reason) = error else { throw error }
            #expect(reason.contains(word))
        }
    }

    private static func makeCertificates(in folder: String) async throws {
        func openssl(_ arguments: String...) async throws { try await Tool.run("/usr/bin/openssl", arguments: arguments) }
        for name in ["ca", "other"] {
            try await openssl(
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-keyout", "\(folder)/\(name).key",
                "-out",
                "\(folder)/\(name).pem")
        }
        for name in ["localhost", "client"] {
            try await openssl(
                "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout",
                "\(folder)/\(name).key", "-out", "\(folder)/\(name).csr")
            try await openssl(
                "x509", "-req", "-in", "\(folder)/\(name).csr", "-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca.key", "-CAcreateserial",
                "-days", "2",
                "-copy_extensions", "copy", "-out", "\(folder)/\(name).pem")
        }
    }

    private static func freePort() throws -> Int {
        let proxy = try Proxy()
        defer { proxy.stop() }
        return proxy.port
    }
}
