import AMQP
import ExactJSON
import Foundation
import Testing

extension System {
    /// Has a recharge expire in its queue, so that the broker makes it a dead letter. No worker may be running.
    /// - Parameter change: changes the message.
    func expire(_ reference: String, changing change: (inout Message) -> Void = { _ in }) async throws {
        let before = try await upstream.depth(of: names.dead)
        var message = Message(body: Upstream.recharge(reference))
        message.properties.correlationID = reference
        message.properties.replyTo = upstream.address
        message.properties.appID = "shop"
        message.properties.expiration = "1"
        change(&message)
        let expiring = message
        try await onBroker { try await $0.publish([expiring], exchange: names.jobs, routingKey: "recharge") }
        try #require(await eventually { try await upstream.depth(of: names.dead) == before + 1 }, "the broker moved no dead letter")
    }

    /// The dead letters as `bosctl dead list --json` shows them.
    func letters() async throws -> [JSONValue] {
        let list = try await bosctl("dead", "list", "--json")
        #expect(list.code == 0, "\(list.output)")
        return try list.output.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
    }

    /// The id of the only dead letter.
    func letter() async throws -> String {
        let letters = try await letters()
        try #require(letters.count == 1, "\(letters)")
        return try #require(letters[0]["id"]?.text)
    }

    /// Starts a worker once, so that the topology is there.
    func declareTopology() async throws { #expect(await stop(try await startReadyWorker()) == 0) }
}
