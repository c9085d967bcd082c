import AMQP
import BrokerKit
import Testing

@Suite("a topology that others change", .timeLimit(.minutes(2)))
struct TopologyWatchTests {
    @Test("what is gone is declared again, bindings too, and named once")
    func mended() async throws {
        let name = TestBroker.name()
        let topology: [TopologyItem] = [
            .exclusiveQueue(name: "\(name)-lock"),
            .marker(queue: "\(name)-marker", text: "mine", arguments: ["x-dead-letter-exchange": .string("")]),
            .exchange(name: name, kind: "fanout"), .queue(name: name), .binding(queue: name, exchange: name, routingKey: ""),
        ]
        try await Link.with(topology: topology) { link in
            try await link.connection.whenConnected()
            #expect(try await link.connection.inspectTopology() == [])
            try await link.connection.delete(queue: "\(name)-lock")
            try await link.connection.delete(queue: "\(name)-marker")
            try await link.connection.delete(exchange: name)
            try await link.connection.delete(queue: name)
            let findings = try await link.connection.inspectTopology()
            #expect(findings.count == 4, "\(findings)")
            #expect(findings.allSatisfy { $0.contains("declared again") && $0.contains(name) }, "\(findings)")
            // Only a queue for messages had any to lose.
            #expect(findings.filter { $0.contains("messages") }.map { $0.hasPrefix("the queue \(name):") } == [true], "\(findings)")
            #expect(findings.contains { $0.hasPrefix("the exchange \(name):") && $0.contains("bindings of others") }, "\(findings)")
            #expect(try await link.connection.inspectTopology() == [])
            try await link.connection.publish(Message(body: []), exchange: name, routingKey: "", mandatory: true)
            #expect(try await link.connection.depth(of: name).messages == 1)
            #expect(link.connection.status.reconnects == 0)
            for queue in [name, "\(name)-marker"] { try await link.connection.delete(queue: queue) }
            try await link.connection.delete(exchange: name)
        }
    }

    @Test("a binding that is gone is made again where nothing else is missing")
    func binding() async throws {
        let name = TestBroker.name()
        let exchange = TopologyItem.exchange(name: name, kind: "fanout")
        try await Link.with(topology: [exchange, .queue(name: name), .binding(queue: name, exchange: name, routingKey: "")]) { link in
            try await link.connection.whenConnected()
            try await link.connection.delete(exchange: name)
            try await Link.with(topology: [exchange]) { try await $0.connection.whenConnected() }
            #expect(try await link.connection.inspectTopology() == [])
            try await link.connection.publish(Message(body: []), exchange: name, routingKey: "", mandatory: true)
            try await link.connection.delete(queue: name)
            try await link.connection.delete(exchange: name)
        }
    }

    @Test("an exchange that is gone is declared again, with its bindings, as soon as a message to it was turned down")
    func missedByPublish() async throws {
        let name = TestBroker.name()
        let topology: [TopologyItem] = [
            .exchange(name: name, kind: "fanout"), .queue(name: name), .binding(queue: name, exchange: name, routingKey: ""),
        ]
        try await Link.with(topology: topology) { link in
            func publish() async throws(PublishError) {
                try await link.connection.publish(Message(body: []), exchange: name, routingKey: "", mandatory: true)
            }
            try await link.connection.whenConnected()
            try await link.connection.delete(exchange: name)
            await #expect(throws: PublishError.self) { try await publish() }
            while (try? await publish()) == nil, !Task.isCancelled {}
            #expect(try await link.connection.depth(of: name).messages == 1)
            try await link.connection.delete(queue: name)
            try await link.connection.delete(exchange: name)
        }
    }

    @Test("where it is only checked, what is gone is named for as long as it is, and the session goes on")
    func onlyChecked() async throws {
        let name = TestBroker.name()
        try await Link.with(topology: [.queue(name: name)]) { maker in
            try await maker.connection.whenConnected()
            try await Link.with(topology: [.queue(name: name), .exchange(name: "amq.direct", kind: "direct")], mode: .check) { link in
                try await link.connection.whenConnected()
                try await maker.connection.delete(queue: name)
                for _ in 0..<2 {
                    #expect(
                        try await link.connection.inspectTopology() == [
                            "the queue \(name): it is gone; declare it, or let amqp.declareTopology do so"
                        ])
                }
                _ = try await maker.connection.inspectTopology()
                #expect(try await link.connection.inspectTopology() == [])
                #expect(link.connection.status.reconnects == 0)
                try await maker.connection.delete(queue: name)
            }
        }
    }

    @Test("a marker that is another's by now ends the session, also where the rest is only checked")
    func lostMarker() async throws {
        let name = TestBroker.name("marker")
        func marked(_ text: String, isOthers: Bool = false) -> [TopologyItem] {
            [.marker(queue: name, text: text, arguments: ["x-dead-letter-exchange": .string("")], isOthers: isOthers)]
        }
        try await Link.with(topology: marked("mine"), mode: .check) { link in
            try await link.connection.whenConnected()
            try await link.connection.delete(queue: name)
            try await Link.with(topology: marked("theirs")) { other in
                try await other.connection.whenConnected()
                _ = try? await link.connection.inspectTopology()
                guard case .markedOtherwise(name, _) = await link.events.disconnection() else { throw CancellationError() }
                guard case .markedOtherwise(name, _) = await link.events.setupError() else { throw CancellationError() }
                try await other.connection.delete(queue: name)
            }
        }
    }

    @Test("a marker that another program makes is found and compared, and never made")
    func othersMarker() async throws {
        let name = TestBroker.name("marker")
        func marked(_ text: String, isOthers: Bool) -> [TopologyItem] {
            [.marker(queue: name, text: text, arguments: ["x-dead-letter-exchange": .string("")], isOthers: isOthers)]
        }
        try await Link.with(topology: marked("mine", isOthers: true)) { link in
            #expect(await link.events.setupError() == .markerMissing(queue: name))
            try await Link.with(topology: marked("mine", isOthers: false)) { maker in
                try await maker.connection.whenConnected()
                try await link.connection.whenConnected()
                try await Link.with(topology: marked("other", isOthers: true)) { other in
                    guard case .markedOtherwise(name, let text) = await other.events.setupError() else { throw CancellationError() }
                    #expect(text.contains("received 'other' but current is 'mine'"))
                }
                try await maker.connection.delete(queue: name)
                _ = try? await link.connection.inspectTopology()
                #expect(await link.events.disconnection() == .markerMissing(queue: name))
            }
        }
    }

    @Test("a queue that may have one consumer only is consumed once the other one has gone", arguments: ["classic", "quorum"])
    func soleConsumer(type: String) async throws {
        try await Link.withQueue(["x-queue-type": .string(type)]) { link, queue in
            let others = link.connection.consume(queue: queue, prefetch: 1)
            await link.events.first { if case .consuming = $0 { true } else { false } }
            let deliveries = link.connection.consume(queue: queue, prefetch: 1, isSole: true)
            await link.events.first { if case .consumerLost(queue, _) = $0 { true } else { false } }
            #expect(!deliveries.isConsuming)
            #expect(deliveries.trouble?.contains("another program consumes it") == true)
            await others.finish()
            await deliveries.resume()
            #expect(deliveries.isConsuming && deliveries.trouble == nil)
            let consumers = try await link.connection.depth(of: queue).consumers
            #expect(consumers == 1)
            await deliveries.pause()
            await deliveries.resume(prefetch: 3)
            #expect(deliveries.isConsuming)
        }
    }
}

@Suite("two connections of one process", .timeLimit(.minutes(1)))
struct ClusterBondTests {
    @Test("the one that publishes goes on to the next URL until it is where jobs are consumed; only then are they consumed")
    func together() async throws {
        let broker = try await TestBroker.shared
        let (host, queue) = (TestBroker.name("vhost"), TestBroker.name())
        try await broker.ctl("add_vhost", host)
        try await broker.ctl("set_permissions", "-p", host, "guest", ".*", ".*", ".*")
        let elsewhere = try AMQPURL(broker.url.replacing("%2f", with: host))
        let bond = ClusterBond()
        try await Link.with(topology: [.queue(name: queue)], bond: (bond, .consuming)) { consuming in
            try await consuming.connection.whenConnected()
            let deliveries = consuming.connection.consume(queue: queue, prefetch: 1)
            let change: (inout AMQPConfiguration) -> Void = { $0.urls.insert(elsewhere, at: 0) }
            try await Link.with(bond: (bond, .publishing), change: change) { publishing in
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

    @Test("nothing is consumed as long as the one that publishes is not there, or is elsewhere")
    func apart() async throws {
        let broker = try await TestBroker.shared
        let (host, queue) = (TestBroker.name("vhost"), TestBroker.name())
        try await broker.ctl("add_vhost", host)
        try await broker.ctl("set_permissions", "-p", host, "guest", ".*", ".*", ".*")
        let bond = ClusterBond()
        try await Link.with(broker.url.replacing("%2f", with: host), bond: (bond, .publishing)) { publishing in
            try await publishing.connection.whenConnected()
            try await Link.with(topology: [.queue(name: queue)], bond: (bond, .consuming)) { consuming in
                try await consuming.connection.whenConnected()
                let deliveries = consuming.connection.consume(queue: queue, prefetch: 1)
                // The one that publishes hears of it and leaves. The other would need a few round trips to consume.
                guard case .otherCluster = await publishing.events.disconnection() else { throw CancellationError() }
                for _ in 0..<20 { #expect(try await consuming.connection.depth(of: queue).consumers == 0) }
                #expect(!deliveries.isConsuming)
                try await consuming.connection.delete(queue: queue)
            }
        }
        try await broker.ctl("delete_vhost", host)
    }
}
