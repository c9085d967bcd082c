import AMQP
import BrokerKit
import Testing

@Suite("Comparing an object with the broker's", .timeLimit(.minutes(1)))
struct TopologyComparisonTests {
    @Test("finds each argument that differs, although the broker names one at a time")
    func differingArguments() async throws {
        let name = TestBroker.name()
        let there: [String: FieldValue] = [
            "x-queue-type": .string("quorum"), "x-delivery-limit": .int(20), "x-dead-letter-exchange": .string("other"),
        ]
        let expected: [String: FieldValue] = [
            "x-queue-type": .string("quorum"), "x-delivery-limit": .int(1_000), "x-dead-letter-exchange": .string("bos.dead"),
            "x-dead-letter-strategy": .string("at-least-once"), "x-overflow": .string("reject-publish"),
        ]
        try await TestConnection.with(topology: [.queue(name: name, arguments: there)]) { client in
            try await client.connection.whenConnected()
            guard case .different(let found) = try await client.connection.compare(.queue(name: name, arguments: expected)) else {
                Issue.record("no difference is found")
                return
            }
            #expect(
                found.sorted { $0.name < $1.name } == [
                    ArgumentDifference("x-dead-letter-exchange", expected: "bos.dead", current: "other"),
                    ArgumentDifference("x-dead-letter-strategy", expected: "at-least-once", current: nil),
                    ArgumentDifference("x-delivery-limit", expected: "1000", current: "20"),
                    ArgumentDifference("x-overflow", expected: "reject-publish", current: nil),
                ])
            #expect(try await client.connection.compare(.queue(name: name, arguments: there)) == .same)
            try await client.connection.delete(queue: name)
        }
    }

    @Test("creates nothing that is missing")
    func missing() async throws {
        let name = TestBroker.name()
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            for item in [TopologyItem.queue(name: name), .exchange(name: name, kind: "topic")] {
                #expect(try await client.connection.compare(item) == .missing)
                await #expect(throws: SessionError.topologyMissing(object: item.label)) { try await client.connection.check(item) }
            }
            #expect(client.connection.status.reconnects == 0)
        }
    }

    @Test("finds the kind and the arguments of an exchange, and that a queue is not durable")
    func kinds() async throws {
        let name = TestBroker.name()
        let topology: [TopologyItem] = [
            .exchange(name: name, kind: "direct", arguments: ["alternate-exchange": .string("a")]), .queue(name: name, durable: false),
        ]
        try await TestConnection.with(topology: topology) { client in
            try await client.connection.whenConnected()
            let exchange = try await client.connection.compare(
                .exchange(name: name, kind: "topic", arguments: ["alternate-exchange": .string("b")]))
            #expect(
                exchange
                    == .different([
                        ArgumentDifference("type", expected: "topic", current: "direct"),
                        ArgumentDifference("alternate-exchange", expected: "b", current: "a"),
                    ]))
            let queue = try await client.connection.compare(.queue(name: name))
            #expect(queue == .different([ArgumentDifference("durable", expected: "true", current: "false")]))
            try await client.connection.delete(exchange: name)
            try await client.connection.delete(queue: name)
        }
    }

    @Test("says what the broker does not tell: a binding, and a queue that the user may not configure")
    func untold() async throws {
        let (broker, name) = (try await TestBroker.shared, TestBroker.name())
        try await broker.ctl("add_user", name, "secret")
        try await broker.ctl("set_permissions", name, "^$", "^\(name)-open$", ".*")
        let topology: [TopologyItem] = [
            .queue(name: name), .exchange(name: "\(name)-open", kind: "fanout"), .exchange(name: "\(name)-closed", kind: "fanout"),
        ]
        try await TestConnection.with(topology: topology) { owner in
            try await owner.connection.whenConnected()
            let url = broker.url.replacing("guest:guest", with: "\(name):secret")
            try await TestConnection.with(url) { client in
                let connection = client.connection
                try await connection.whenConnected()
                guard case .untold(let reason) = try await connection.compare(.queue(name: name)) else {
                    Issue.record("the right to configure is not needed")
                    return
                }
                #expect(reason.contains("refused"))
                let binding = TopologyItem.binding(queue: name, exchange: "\(name)-open", routingKey: "")
                guard case .untold = try await connection.compare(binding) else {
                    Issue.record("a binding is told")
                    return
                }
                // The rights to write are seen without a message.
                #expect(try await connection.mayWrite(to: "\(name)-open", besides: "\(name)-closed") == true)
                #expect(try await connection.mayWrite(to: "\(name)-closed", besides: "\(name)-open") == false)
                #expect(try await connection.mayWrite(to: "\(name)-none", besides: "\(name)-open") == false)
            }
            for exchange in ["\(name)-open", "\(name)-closed"] { try await owner.connection.delete(exchange: exchange) }
            try await owner.connection.delete(queue: name)
        }
        try await broker.ctl("delete_user", name)
    }
}
