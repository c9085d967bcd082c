import AMQP
import BrokerKit
import Testing

@Suite("a topology that other programs change", .timeLimit(.minutes(2)))
struct TopologyWatchTests {
    @Test("missing objects are declared again, with their bindings, and reported once")
    func missingObjectsAreDeclaredAgain() async throws {
        let name = TestBroker.name()
        let topology: [TopologyItem] = [
            .exclusiveQueue(name: "\(name)-lock"),
            .marker(queue: "\(name)-marker", text: "mine", arguments: ["x-dead-letter-exchange": .string("")]),
            .exchange(name: name, kind: "fanout"), .queue(name: name), .binding(queue: name, exchange: name, routingKey: ""),
        ]
        try await TestConnection.with(topology: topology) { client in
            try await client.connection.whenConnected()
            #expect(try await client.connection.inspectTopology() == [])
            try await client.connection.delete(queue: "\(name)-lock")
            try await client.connection.delete(queue: "\(name)-marker")
            try await client.connection.delete(exchange: name)
            try await client.connection.delete(queue: name)
            let findings = try await client.connection.inspectTopology()
            #expect(findings.count == 4, "\(findings)")
            #expect(findings.allSatisfy { $0.contains("declared again") && $0.contains(name) }, "\(findings)")
            // Only a queue for messages had any to lose.
            #expect(findings.filter { $0.contains("messages") }.map { $0.hasPrefix("the queue \(name):") } == [true], "\(findings)")
            #expect(findings.contains { $0.hasPrefix("the exchange \(name):") && $0.contains("bindings of other") }, "\(findings)")
            #expect(try await client.connection.inspectTopology() == [])
            try await client.connection.publish(Message(body: []), exchange: name, routingKey: "", mandatory: true)
            #expect(try await client.connection.depth(of: name).messages == 1)
            #expect(client.connection.status.reconnects == 0)
            for queue in [name, "\(name)-marker"] { try await client.connection.delete(queue: queue) }
            try await client.connection.delete(exchange: name)
        }
    }

    @Test("a missing binding is declared again although nothing else is missing")
    func missingBindingIsDeclaredAgain() async throws {
        let name = TestBroker.name()
        let exchange = TopologyItem.exchange(name: name, kind: "fanout")
        try await TestConnection.with(topology: [exchange, .queue(name: name), .binding(queue: name, exchange: name, routingKey: "")]) {
            client in
            try await client.connection.whenConnected()
            try await client.connection.delete(exchange: name)
            try await TestConnection.with(topology: [exchange]) { try await $0.connection.whenConnected() }
            #expect(try await client.connection.inspectTopology() == [])
            try await client.connection.publish(Message(body: []), exchange: name, routingKey: "", mandatory: true)
            try await client.connection.delete(queue: name)
            try await client.connection.delete(exchange: name)
        }
    }

    @Test("a missing exchange is declared again, with its bindings, as soon as a message to it was turned down")
    func turnedDownMessageRestoresExchange() async throws {
        let name = TestBroker.name()
        let topology: [TopologyItem] = [
            .exchange(name: name, kind: "fanout"), .queue(name: name), .binding(queue: name, exchange: name, routingKey: ""),
        ]
        try await TestConnection.with(topology: topology) { client in
            func publish() async throws(PublishError) {
                try await client.connection.publish(Message(body: []), exchange: name, routingKey: "", mandatory: true)
            }
            try await client.connection.whenConnected()
            try await client.connection.delete(exchange: name)
            await #expect(throws: PublishError.self) { try await publish() }
            while (try? await publish()) == nil, !Task.isCancelled {}
            #expect(try await client.connection.depth(of: name).messages == 1)
            try await client.connection.delete(queue: name)
            try await client.connection.delete(exchange: name)
        }
    }

    @Test("in mode check, a missing object is reported for as long as it is missing, and the session goes on")
    func checkModeReportsWhatIsMissing() async throws {
        let name = TestBroker.name()
        try await TestConnection.with(topology: [.queue(name: name)]) { maker in
            try await maker.connection.whenConnected()
            try await TestConnection.with(topology: [.queue(name: name), .exchange(name: "amq.direct", kind: "direct")], mode: .check) {
                client in
                try await client.connection.whenConnected()
                try await maker.connection.delete(queue: name)
                for _ in 0..<2 {
                    #expect(
                        try await client.connection.inspectTopology() == [
                            "the queue \(name): it is gone; declare it, or let amqp.declareTopology do so"
                        ])
                }
                _ = try await maker.connection.inspectTopology()
                #expect(try await client.connection.inspectTopology() == [])
                #expect(client.connection.status.reconnects == 0)
                try await maker.connection.delete(queue: name)
            }
        }
    }

    @Test("a marker that holds another text by now ends the session, in mode check too")
    func changedMarkerEndsSession() async throws {
        let name = TestBroker.name("marker")
        func marked(_ text: String, mustExist: Bool = false) -> [TopologyItem] {
            [.marker(queue: name, text: text, arguments: ["x-dead-letter-exchange": .string("")], mustExist: mustExist)]
        }
        try await TestConnection.with(topology: marked("mine"), mode: .check) { client in
            try await client.connection.whenConnected()
            try await client.connection.delete(queue: name)
            try await TestConnection.with(topology: marked("theirs")) { other in
                try await other.connection.whenConnected()
                _ = try? await client.connection.inspectTopology()
                guard case .markedOtherwise(name, _) = await client.events.disconnection() else { throw CancellationError() }
                guard case .markedOtherwise(name, _) = await client.events.setupError() else { throw CancellationError() }
                try await other.connection.delete(queue: name)
            }
        }
    }

    @Test("a marker of another program is found and compared, and never declared")
    func markerOfOtherProgramIsNeverDeclared() async throws {
        let name = TestBroker.name("marker")
        func marked(_ text: String, mustExist: Bool) -> [TopologyItem] {
            [.marker(queue: name, text: text, arguments: ["x-dead-letter-exchange": .string("")], mustExist: mustExist)]
        }
        try await TestConnection.with(topology: marked("mine", mustExist: true)) { client in
            #expect(await client.events.setupError() == .markerMissing(queue: name))
            try await TestConnection.with(topology: marked("mine", mustExist: false)) { maker in
                try await maker.connection.whenConnected()
                try await client.connection.whenConnected()
                try await TestConnection.with(topology: marked("other", mustExist: true)) { other in
                    guard case .markedOtherwise(name, let text) = await other.events.setupError() else { throw CancellationError() }
                    #expect(text.contains("received 'other' but current is 'mine'"))
                }
                try await maker.connection.delete(queue: name)
                _ = try? await client.connection.inspectTopology()
                #expect(await client.events.disconnection() == .markerMissing(queue: name))
            }
        }
    }

    @Test("a sole consumer starts once the queue's other consumer has gone", arguments: ["classic", "quorum"])
    func soleConsumerWaitsForOthers(type: String) async throws {
        try await TestConnection.withQueue(["x-queue-type": .string(type)]) { client, queue in
            let others = client.connection.consume(queue: queue, prefetch: 1)
            await client.events.first { if case .consuming = $0 { true } else { false } }
            let deliveries = client.connection.consume(queue: queue, prefetch: 1, isSole: true)
            await client.events.first { if case .consumerLost(queue, _) = $0 { true } else { false } }
            #expect(!deliveries.isConsuming)
            #expect(deliveries.trouble?.contains("another program consumes it") == true)
            await others.finish()
            await deliveries.resume()
            #expect(deliveries.isConsuming && deliveries.trouble == nil)
            let consumers = try await client.connection.depth(of: queue).consumers
            #expect(consumers == 1)
            await deliveries.pause()
            await deliveries.resume(prefetch: 3)
            #expect(deliveries.isConsuming)
        }
    }
}
