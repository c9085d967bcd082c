import AMQP
import BrokerKit
import Foundation
import Testing

@Suite("losing sessions", .timeLimit(.minutes(3)))
struct LossTests {
    @Test("a message whose confirm is lost with the session has an unknown outcome; a message that was never written was not sent")
    func lostConfirmMeansUnknownOutcome() async throws {
        let proxy = try await Proxy(upstream: TestBroker.shared.port)
        defer { proxy.stop() }
        try await TestConnection.with("amqp://127.0.0.1:\(proxy.port)") { client in
            try await client.connection.whenConnected()
            proxy.fallSilent()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        await #expect {
                            try await client.connection.publish(Message(body: [1]), exchange: "amq.fanout", routingKey: "")
                        } throws: {
                            if case .outcomeUnknown? = $0 as? PublishError { true } else { false }
                        }
                    }
                }
                // The messages have left once the connection counts them as unconfirmed. Then the test cuts the line.
                while client.connection.status.unconfirmed < 10, !Task.isCancelled { await Task.yield() }
                proxy.cut()
            }
            _ = await client.events.disconnection()
            #expect(client.connection.status.unconfirmed == 0)
        }
    }

    @Test("after a loss the connection reconnects and consumes again; acks of the old session are counted and not sent")
    func reconnectsAndCountsLateAcks() async throws {
        let queue = TestBroker.name()
        let proxy = try await Proxy(upstream: TestBroker.shared.port)
        defer { proxy.stop() }
        try await TestConnection.with("amqp://127.0.0.1:\(proxy.port)", topology: [.queue(name: queue)]) { client in
            try await client.connection.whenConnected()
            for number in 0..<5 { try await client.publish("\(number)", to: queue) }
            var iterator = client.connection.consume(queue: queue, prefetch: 5).makeAsyncIterator()
            let old = try #require(await iterator.next())
            proxy.cut()
            _ = await client.events.disconnection()
            old.ack()
            #expect(client.connection.status.lateAcks == 1)
            // The new session has a delivery with the same number, which a late settlement must not reach.
            let new = try #require(await iterator.next())
            old.reject()
            #expect(client.connection.status.lateAcks == 2)
            new.requeue()
            var texts: Set<String> = []
            while texts.count < 5, let delivery = await iterator.next() {
                #expect(delivery.isRedelivered)
                texts.insert(delivery.text)
                delivery.ack()
            }
            #expect(texts == ["0", "1", "2", "3", "4"])
            #expect(client.connection.status.reconnects == 1)
            #expect(client.connection.status.lateAcks == 2)
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("a consumer that was paused before a loss stays paused after it")
    func pausedConsumerStaysPausedAfterLoss() async throws {
        let queue = TestBroker.name()
        let proxy = try await Proxy(upstream: TestBroker.shared.port)
        defer { proxy.stop() }
        try await TestConnection.with("amqp://127.0.0.1:\(proxy.port)", topology: [.queue(name: queue)]) { client in
            try await client.connection.whenConnected()
            let deliveries = client.connection.consume(queue: queue, prefetch: 5)
            await client.events.first { if case .consuming = $0 { true } else { false } }
            await deliveries.pause()
            proxy.cut()
            _ = await client.events.disconnection()
            try await client.connection.whenConnected()
            try await client.publish("x", to: queue)
            #expect(try await client.connection.depth(of: queue) == (1, 0))
            await deliveries.resume()
            var iterator = deliveries.makeAsyncIterator()
            await iterator.next()?.ack()
            try await client.connection.delete(queue: queue)
        }
    }

    @Test("when the broker closes the connection, its reason is reported and the connection reconnects")
    func reconnectsAfterCloseByBroker() async throws {
        let broker = try await TestBroker.shared
        let reason = TestBroker.name("reason")
        try await TestConnection.with { client in
            try await client.connection.whenConnected()
            // The test closes only its own connection, so that other tests are not affected.
            let name = TestBroker.name("connection")
            try await TestConnection.with(change: { ($0.connectionName, $0.version) = (name, "9.8.7") }) { victim in
                try await victim.connection.whenConnected()
                let list = try await broker.ctl("list_connections", "pid", "client_properties")
                let line = try #require(list.split(separator: "\n").first { $0.contains(name) })
                #expect(line.contains("9.8.7"))
                let pid = try #require(line.split(separator: "\t").first)
                try await broker.ctl("close_connection", String(pid), reason)
                guard case .closedByBroker(320, let text) = await victim.events.disconnection() else { throw CancellationError() }
                #expect(text.contains(reason))
                try await victim.connection.whenConnected()
            }
        }
    }

    @Test("heartbeats keep an idle connection alive, and the connection gives up a silent peer")
    func heartbeatsKeepAliveAndDetectSilence() async throws {
        let proxy = try await Proxy(upstream: TestBroker.shared.port)
        defer { proxy.stop() }
        let heartbeat = Duration.seconds(2)
        try await TestConnection.with("amqp://127.0.0.1:\(proxy.port)", change: { $0.heartbeat = heartbeat }) { client in
            try await client.connection.whenConnected()
            // The test needs this time itself. The broker and this side close a connection after the silence of two heartbeats, so a
            // connection that lives twice as long lives by its heartbeats. No event could end the wait, because none may happen.
            try await Task.sleep(for: heartbeat * 4)
            #expect(client.connection.status.isConnected && client.connection.status.reconnects == 0)
            proxy.fallSilent()
            #expect(await client.events.disconnection() == .heartbeatLost)
        }
    }

    @Test(
        "a peer that breaks the protocol ends the session with an error, and not the process",
        arguments: [
            // A body without a header, on the publishing channel.
            [3, 0, 1, 0, 0, 0, 1, 65, 0xCE],
            // A header without a method.
            [2, 0, 1, 0, 0, 0, 14, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xCE],
            // A channel that was never opened.
            [3, 0, 99, 0, 0, 0, 1, 65, 0xCE],
            // basic.ack of a message that was never published.
            [1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0xCE],
            // basic.deliver on a channel without a consumer.
            [1, 0, 1, 0, 0, 0, 17, 0, 60, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xCE],
            // A frame without its end mark.
            [3, 0, 1, 0, 0, 0, 1, 65, 0],
            // A frame larger than agreed.
            [3, 0, 1, 0x7F, 0, 0, 0],
            // A method that does not exist.
            [1, 0, 1, 0, 0, 0, 4, 0, 99, 0, 99, 0xCE],
            // A body of another class.
            [
                1, 0, 1, 0, 0, 0, 9, 0, 60, 0, 50, 1, 56, 0, 0, 0, 0xCE, 2, 0, 1, 0, 0, 0, 14, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0,
                0xCE,
            ],
        ] as [[UInt8]])
    func protocolViolationEndsSessionOnly(frames: [UInt8]) async throws {
        let proxy = try await Proxy(upstream: TestBroker.shared.port)
        defer { proxy.stop() }
        try await TestConnection.with("amqp://127.0.0.1:\(proxy.port)") { client in
            try await client.connection.whenConnected()
            proxy.inject(frames)
            guard case .protocolViolation = await client.events.disconnection() else { throw CancellationError() }
            try await client.connection.whenConnected()
        }
    }

    @Test("headers that are nested as deep as a frame allows do not end the process")
    func deeplyNestedHeadersAreSurvived() async throws {
        let proxy = try await Proxy(upstream: TestBroker.shared.port)
        defer { proxy.stop() }
        try await TestConnection.with("amqp://127.0.0.1:\(proxy.port)") { client in
            try await client.connection.whenConnected()
            // basic.return with a header whose table holds arrays in arrays, as deep as a frame allows: 5 bytes for each level.
            let levels = 26_000
            func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).bigEndian, Array.init) }
            var arrays: [UInt8] = []
            for level in 0..<levels { arrays += [UInt8(ascii: "A")] + number((levels - 1 - level) * 5) }
            let table = [1, UInt8(ascii: "x")] + arrays
            let payload: [UInt8] = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0] + number(table.count) + table
            proxy.inject([1, 0, 1, 0, 0, 0, 9, 0, 60, 0, 50, 1, 56, 0, 0, 0, 0xCE])
            proxy.inject([2, 0, 1] + number(payload.count) + payload + [0xCE])
            // The session has survived if it still answers.
            try await client.connection.publish(Message(body: []), exchange: "amq.fanout", routingKey: "")
            #expect(client.connection.status.reconnects == 0)
        }
    }

    @Test("the connection gives up a peer that does not speak AMQP, or says nothing at all")
    func peerWithoutAMQPIsGivenUp() async throws {
        let talker = try Proxy(greeting: Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".utf8))
        defer { talker.stop() }
        try await TestConnection.with("amqp://127.0.0.1:\(talker.port)") { client in
            guard case .protocolViolation = await client.events.setupError() else { throw CancellationError() }
        }
        let mute = try Proxy()
        defer { mute.stop() }
        try await TestConnection.with("amqp://127.0.0.1:\(mute.port)", change: { $0.connectTimeout = .milliseconds(200) }) { client in
            guard case .timedOut = await client.events.setupError() else { throw CancellationError() }
        }
    }

    @Test("the connection gives up a broker that does not answer a request in time")
    func unansweredRequestEndsSession() async throws {
        let queue = TestBroker.name()
        let proxy = try await Proxy(upstream: TestBroker.shared.port)
        defer { proxy.stop() }
        try await TestConnection.with("amqp://127.0.0.1:\(proxy.port)", change: { $0.rpcTimeout = .milliseconds(300) }) { client in
            try await client.connection.whenConnected()
            proxy.fallSilent()
            // The request was not sent yet, so it cannot be the reason why the session ended.
            await #expect(throws: SessionError.noSession(reason: "the broker did not answer in time: opening channel 3")) {
                _ = try await client.connection.depth(of: queue)
            }
        }
    }
}
