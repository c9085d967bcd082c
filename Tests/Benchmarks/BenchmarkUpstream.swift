import AMQP
import ExactJSON
import Logging
import Synchronization

/// Publishes jobs and consumes their replies, as an upstream of the worker does.
final class BenchmarkUpstream: Sendable {
    private static let replyQueue = "bench.replies"

    private let publishing: Connection
    private let replying: Connection

    init(url: String) throws {
        let configuration = AMQPConfiguration(urls: [try AMQPURL(url)])
        let logger = Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() })
        publishing = try Connection(configuration: configuration, role: "bench-publish", logger: logger)
        // A quorum queue, so that replies are stored as safely as jobs.
        replying = try Connection(
            configuration: configuration, role: "bench-replies",
            topology: [
                .queue(name: Self.replyQueue, arguments: ["x-queue-type": .string("quorum")]),
                .binding(queue: Self.replyQueue, exchange: "bos.replies", routingKey: Self.replyQueue),
            ], logger: logger)
    }

    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [publishing] in await publishing.run() }
            group.addTask { [replying] in await replying.run() }
        }
    }

    /// Waits until both connections are ready. The exchanges must exist by now.
    func prepare() async throws {
        try await publishing.whenConnected()
        try await replying.whenConnected()
    }

    func close() async {
        await publishing.close()
        await replying.close()
    }

    func waitingReplies() async throws -> Int { Int(try await replying.depth(of: Self.replyQueue).messages) }

    func publishBacklog(_ count: Int) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for lane in 0..<256 {
                group.addTask { for number in stride(from: lane, to: count, by: 256) { try await self.publish("drain-\(number)") } }
            }
        }
    }

    private func publish(_ reference: String) async throws {
        let body = JSONValue.object([
            .init("operator", .number("311")), .init("canumber", .string("DL12CB4685")), .init("amount", .number("10")),
            .init("referenceid", .string(reference)),
        ])
        var message = Message(body: body.encoded)
        message.properties.contentType = "application/json"
        message.properties.correlationID = reference
        message.properties.replyTo = Self.replyQueue
        try await publishing.publish(message, exchange: "bos.jobs", routingKey: "recharge", mandatory: true)
    }

    /// Consumes the replies of the backlog until there is one for each job.
    /// - Returns: whether all of them are "succeeded".
    func consumeAll(_ count: Int) async throws -> Bool {
        var names: Set<String> = []
        var haveSucceeded = true
        let deliveries = replying.consume(queue: Self.replyQueue, prefetch: 1000)
        for await delivery in deliveries {
            delivery.ack()
            names.insert(delivery.message.properties.correlationID ?? "")
            if try JSONValue.parse(delivery.message.body)["outcome"]?.text != "succeeded" { haveSucceeded = false }
            if names.count == count { break }
        }
        await deliveries.finish()
        return haveSucceeded && names.allSatisfy { $0.hasPrefix("drain-") }
    }

    /// Publishes jobs at a fixed rate.
    ///
    /// A job's time counts from the moment at which it was due to be published, so that the delay of a slow broker is included.
    /// - Returns: the times until the replies, shortest first.
    func measureLatency(rate: Int, seconds: Int) async throws -> [Duration] {
        let count = rate * seconds
        let clock = ContinuousClock()
        let start = clock.now + .milliseconds(100)
        let deliveries = replying.consume(queue: Self.replyQueue, prefetch: 1000)
        return try await withThrowingTaskGroup(of: [Duration].self) { group in
            group.addTask {
                var times: [Duration] = []
                for await delivery in deliveries {
                    delivery.ack()
                    guard let number = delivery.message.properties.correlationID?.split(separator: "-").last.flatMap({ Int($0) }) else {
                        continue
                    }
                    times.append(clock.now - (start + .seconds(Double(number) / Double(rate))))
                    if times.count == count { break }
                }
                await deliveries.finish()
                return times.sorted()
            }
            group.addTask {
                try await withThrowingDiscardingTaskGroup { publishes in
                    for number in 0..<count {
                        try await clock.sleep(until: start + .seconds(Double(number) / Double(rate)), tolerance: .zero)
                        publishes.addTask { try await self.publish("rate-\(number)") }
                    }
                }
                return []
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }
}
