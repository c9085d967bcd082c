import AMQP
import BrokerKit
import Testing

@Suite("the two connections of a process", .timeLimit(.minutes(1)))
struct ClusterAffinityTests {
    @Test("the publishing connection tries the next URL until it is where jobs are consumed, and only then are they consumed")
    func publishingFollowsConsuming() async throws {
        let broker = try await TestBroker.shared
        let (host, queue) = (TestBroker.name("vhost"), TestBroker.name())
        try await broker.ctl("add_vhost", host)
        try await broker.ctl("set_permissions", "-p", host, "guest", ".*", ".*", ".*")
        let elsewhere = try AMQPURL(broker.url.replacing("%2f", with: host))
        let affinity = ClusterAffinity()
        try await TestConnection.with(topology: [.queue(name: queue)], affinity: (affinity, .consuming)) { consuming in
            try await consuming.connection.whenConnected()
            let deliveries = consuming.connection.consume(queue: queue, prefetch: 1)
            let change: (inout AMQPConfiguration) -> Void = { $0.urls.insert(elsewhere, at: 0) }
            try await TestConnection.with(affinity: (affinity, .publishing), change: change) { publishing in
                guard case .otherCluster(_, let home, let theirs) = await publishing.events.setupError() else { throw CancellationError() }
                #expect(home.hasPrefix("virtual host \(host) of cluster ") && theirs.hasPrefix("virtual host / of cluster "))
                try await publishing.connection.whenConnected()
                await deliveries.resume()
                #expect(deliveries.isConsuming)
            }
            try await consuming.connection.delete(queue: queue)
        }
        try await broker.ctl("delete_vhost", host)
    }

    @Test("nothing is consumed while the publishing connection is absent or elsewhere")
    func nothingIsConsumedWhileApart() async throws {
        let broker = try await TestBroker.shared
        let (host, queue) = (TestBroker.name("vhost"), TestBroker.name())
        try await broker.ctl("add_vhost", host)
        try await broker.ctl("set_permissions", "-p", host, "guest", ".*", ".*", ".*")
        let affinity = ClusterAffinity()
        try await TestConnection.with(broker.url.replacing("%2f", with: host), affinity: (affinity, .publishing)) { publishing in
            try await publishing.connection.whenConnected()
            try await TestConnection.with(topology: [.queue(name: queue)], affinity: (affinity, .consuming)) { consuming in
                try await consuming.connection.whenConnected()
                let deliveries = consuming.connection.consume(queue: queue, prefetch: 1)
                // The publishing connection is told and leaves. The other one would need a few round trips to consume.
                guard case .otherCluster = await publishing.events.disconnection() else { throw CancellationError() }
                for _ in 0..<20 { #expect(try await consuming.connection.depth(of: queue).consumers == 0) }
                #expect(!deliveries.isConsuming)
                try await consuming.connection.delete(queue: queue)
            }
        }
        try await broker.ctl("delete_vhost", host)
    }
}
