import AMQP
import BrokerKit
import Testing

@Suite("consuming", .timeLimit(.minutes(2)))
struct ConsumeTests {
    @Test("what is acked is gone, what is requeued comes again marked so, what is rejected is dead-lettered")
    func settlements() async throws {
        let (queue, dead) = (TestBroker.name(), TestBroker.name("dead"))
        let topology: [TopologyItem] = [
            .queue(name: dead),
            .queue(name: queue, arguments: ["x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string(dead)]),
        ]
        try await Link.with(topology: topology) { link in
            try await link.connection.whenConnected()
            for text in ["ack", "requeue", "reject"] { try await link.publish(text, to: queue) }
            let deliveries = link.connection.consume(queue: queue, prefetch: 10)
            var iterator = deliveries.makeAsyncIterator()
            var redelivered: [String] = []
            while redelivered.isEmpty, let delivery = await iterator.next() {
                switch (delivery.text, delivery.isRedelivered) {
                case ("requeue", false): delivery.requeue()
                case ("reject", _): delivery.reject()
                default:
                    if delivery.isRedelivered { redelivered.append(delivery.text) }
                    delivery.ack()
                }
            }
            #expect(redelivered == ["requeue"])
            try await link.waitForDepth(dead, 1)
            await deliveries.finish()
            #expect(try await link.connection.depth(of: queue).messages == 0)
            try await link.connection.delete(queue: queue)
            try await link.connection.delete(queue: dead)
        }
    }
}
