import AMQP
import BrokerKit
import Logging
import Testing

@Suite("setting up a session", .timeLimit(.minutes(2)))
struct SetupTests {
    @Test("a wrong password is reported as a refused login, and the password appears nowhere")
    func wrongPasswordIsReportedAndHidden() async throws {
        let port = try await TestBroker.shared.port
        try await TestConnection.with("amqp://guest:hunter2@127.0.0.1:\(port)/") { client in
            let error = await client.events.setupError()
            guard case .loginRefused = error else { throw error }
            #expect(!"\(error)".contains("hunter2") && !"\(client.connection.status)".contains("hunter2"))
            #expect(!"\(client.connection.configuration)".contains("hunter2"))
        }
    }

    @Test("a virtual host that does not exist is reported as refused")
    func missingVirtualHostIsReported() async throws {
        let port = try await TestBroker.shared.port
        try await TestConnection.with("amqp://guest:guest@127.0.0.1:\(port)/nowhere") { client in
            let error = await client.events.setupError()
            guard case .virtualHostRefused = error else { throw error }
        }
    }

    @Test("if no broker listens at a URL, the next URL is tried without a pause")
    func nextURLIsTriedWithoutPause() async throws {
        let port = try await TestBroker.shared.port
        let change: (inout AMQPConfiguration) -> Void = { configuration in
            configuration.backoff.initial = .seconds(3600)
            configuration.backoff.maximum = .seconds(3600)
            configuration.urls.insert(contentsOf: (try? [AMQPURL("amqp://127.0.0.1:1")]) ?? [], at: 0)
        }
        try await TestConnection.with("amqp://127.0.0.1:\(port)", change: change) { client in
            guard case .unreachable(let url, _) = await client.events.setupError() else { throw CancellationError() }
            #expect(url == "amqp://guest@127.0.0.1:1/%2f")
            try await client.connection.whenConnected()
            guard case .connected(let url, let version) = client.connection.status.state else { throw CancellationError() }
            #expect(url == "amqp://guest@127.0.0.1:\(port)/%2f")
            #expect(version.hasPrefix("3."))
        }
    }

    @Test("a queue that exists with other arguments is reported with the broker's reason")
    func queueWithOtherArgumentsIsReported() async throws {
        try await TestConnection.withQueue { client, queue in
            try await TestConnection.with(topology: [.queue(name: queue, arguments: ["x-max-length": .int(5)])]) { other in
                let error = await other.events.setupError()
                guard case .topologyMismatch(let object, let text) = error, object == "queue \(queue)" else { throw error }
                #expect(text.contains("x-max-length"))
                #expect(other.connection.status.isConnected == false)
            }
        }
    }

    @Test("a queue that the broker refuses because of a limit is not reported as one that exists with other arguments")
    func queueOverLimitIsReported() async throws {
        let (broker, name) = (try await TestBroker.shared, TestBroker.name("limited"))
        try await broker.ctl("add_vhost", name)
        try await broker.ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        try await broker.ctl("set_vhost_limits", "-p", name, #"{"max-queues":0}"#)
        try await TestConnection.with("amqp://127.0.0.1:\(broker.port)/\(name)", topology: [.queue(name: "q")]) { client in
            let error = await client.events.setupError()
            guard case .topologyRefused("queue q", 406, let text) = error else { throw error }
            #expect(text.contains("queue limit"))
            #expect("\(error)".contains("the limits of the virtual host"))
        }
        try await broker.ctl("delete_vhost", name)
    }

    @Test("in mode check, missing objects are reported and nothing is declared")
    func checkModeDeclaresNothing() async throws {
        let queue = TestBroker.name()
        let topology: [TopologyItem] = [.exchange(name: "amq.direct", kind: "direct"), .queue(name: queue)]
        try await TestConnection.with(topology: topology, mode: .check) { client in
            #expect(await client.events.setupError() == .topologyMissing(object: "queue \(queue)"))
            try await TestConnection.with(topology: topology + [.binding(queue: queue, exchange: "amq.direct", routingKey: queue)]) {
                maker in
                try await maker.connection.whenConnected()
                try await client.connection.whenConnected()
                try await maker.connection.publish(Message(body: []), exchange: "amq.direct", routingKey: queue, mandatory: true)
                try await maker.connection.delete(queue: queue)
            }
        }
    }

    @Test("a declared exchange can be bound, published to and deleted")
    func declaredExchangeWorks() async throws {
        let name = TestBroker.name()
        let topology: [TopologyItem] = [
            .exchange(name: name, kind: "topic"), .queue(name: name), .binding(queue: name, exchange: name, routingKey: "a.#"),
        ]
        try await TestConnection.with(topology: topology) { client in
            try await client.connection.whenConnected()
            try await client.connection.publish(Message(body: []), exchange: name, routingKey: "a.b", mandatory: true)
            await #expect(throws: PublishError.returned(code: 312, text: "NO_ROUTE")) {
                try await client.connection.publish(Message(body: []), exchange: name, routingKey: "b", mandatory: true)
            }
            try await client.connection.delete(exchange: name)
            try await client.connection.delete(queue: name)
        }
    }

    @Test("an exclusive queue is refused while another connection holds it, and granted when that connection is gone")
    func exclusiveQueueHasOneHolder() async throws {
        let name = TestBroker.name("lock")
        try await TestConnection.with(topology: [.exclusiveQueue(name: name)]) { holder in
            try await holder.connection.whenConnected()
            try await TestConnection.with(topology: [.exclusiveQueue(name: name)]) { waiter in
                #expect(await waiter.events.setupError() == .locked(name: name))
                await holder.connection.close()
                try await waiter.connection.whenConnected()
            }
        }
    }

    @Test("a marker accepts programs with its text, refuses all others, and is declared in mode check too")
    func markerAcceptsOnlyItsText() async throws {
        let name = TestBroker.name("marker")
        func marked(_ text: String, with arguments: [String: FieldValue]) -> [TopologyItem] {
            [.marker(queue: name, text: text, arguments: arguments.merging(["x-dead-letter-exchange": .string("")]) { $1 })]
        }
        for arguments: [String: FieldValue] in [[:], ["x-queue-type": .string("quorum")]] {
            try await TestConnection.with(topology: marked("mine", with: arguments), mode: .check) { client in
                try await client.connection.whenConnected()
                #expect(try await client.connection.depth(of: name).messages == 0)
            }
            let queues = try await TestBroker.shared.ctl("list_queues", "name", "durable").split(separator: "\n")
            #expect(queues.contains("\(name)\ttrue"))
            try await TestConnection.with(topology: marked("mine", with: arguments)) { client in
                try await client.connection.whenConnected()
                for mode in [TopologyMode.check, .declare] {
                    try await TestConnection.with(topology: marked("theirs", with: arguments), mode: mode) { other in
                        let error = await other.events.setupError()
                        guard case .markedOtherwise(name, let text) = error else { throw error }
                        #expect(text.contains("received 'theirs' but current is 'mine'"), "\(text)")
                    }
                }
                // Different arguments are not a different text.
                try await TestConnection.with(topology: marked("mine", with: ["x-max-length": .int(5)])) { other in
                    let error = await other.events.setupError()
                    guard case .topologyMismatch("marker queue \(name)", _) = error else { throw error }
                }
                try await client.connection.delete(queue: name)
            }
        }
    }

    @Test("waiting for a connection ends when the waiting task is cancelled, and when the connection is closed")
    func waitingForConnectionEnds() async throws {
        try await TestConnection.with("amqp://127.0.0.1:1") { client in
            let cancelled = Task { try await client.connection.whenConnected() }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            let closed = Task { try await client.connection.whenConnected() }
            await client.connection.close()
            await #expect(throws: CancellationError.self) { try await closed.value }
        }
    }

    @Test("a closed connection answers every caller at once, even if it never had a session")
    func closedConnectionAnswersAtOnce() async throws {
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            await client.connection.close()
            await expectClosed(client)
        }
        try await TestConnection.with("amqp://127.0.0.1:1") { client in
            await client.connection.close()
            await expectClosed(client)
        }
    }

    private func expectClosed(_ client: TestConnection) async {
        let deliveries = client.connection.consume(queue: "x", prefetch: 1)
        var iterator = deliveries.makeAsyncIterator()
        #expect(await iterator.next() == nil)
        await deliveries.pause()
        await deliveries.resume()
        await deliveries.finish()
        await #expect(throws: SessionError.self) { _ = try await client.connection.depth(of: "x") }
        await #expect(throws: PublishError.self) { try await client.publish("x", to: "x") }
    }

    @Test("run() ends when its task is cancelled, and earlier acks have reached the broker")
    func cancelledRunDeliversAcks() async throws {
        // Twenty times, because the ack must get from the mailbox to the wire although the stop follows at once.
        for _ in 0..<20 { try await cancelOnce() }
    }

    private func cancelOnce() async throws {
        let queue = TestBroker.name()
        try await TestConnection.with(topology: [.queue(name: queue)]) { client in
            try await client.connection.whenConnected()
            try await client.publish("x", to: queue)
        }
        var configuration = AMQPConfiguration(urls: [try AMQPURL(try await TestBroker.shared.url)])
        configuration.rpcTimeout = .seconds(10)
        let connection = try Connection(
            configuration: configuration, role: "test", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { await connection.run() }
        var iterator = connection.consume(queue: queue, prefetch: 1).makeAsyncIterator()
        let delivery = try #require(await iterator.next())
        delivery.ack()
        running.cancel()
        await running.value
        guard case .stopped = connection.status.state else { throw CancellationError() }
        #expect(await iterator.next() == nil)
        await connection.close()
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            #expect(try await client.connection.depth(of: queue).messages == 0)
            try await client.connection.delete(queue: queue)
        }
    }
}
