import AMQP
import JobEngine
import Synchronization

extension SimulatedProcess: MessagePublisher {
    func publish(
        _ message: Message, exchange: String, routingKey: String, mandatory: Bool, timeout: Duration?
    ) async throws(PublishError) {
        await world.sleep(Int64(world.number(0...20)))
        guard survives(), !memory.withLock(\.isSilenced) else { throw .notSent("dead") }
        if world.shouldFail(world.faultRates.lostConfirm / 2) {
            if world.bug == .confirmNotAwaited { return }
            throw .notSent("simulated")
        }
        switch environment.broker.route(to: exchange, routingKey: routingKey) {
        case .denied:
            if world.bug == .poisonedReplyStopsAll { memory.withLock { $0.isSilenced = true } }
            world.note("the broker denies a message to \(routingKey)")
            throw .turnedDown(code: 403, text: "ACCESS_REFUSED")
        case .unroutable:
            world.note("a message to \(routingKey) is routed to no queue")
            if mandatory, world.bug != .unroutedConfirmed { throw .returned(code: 312, text: "NO_ROUTE") }
        case .queued:
            if world.shouldFail(world.faultRates.refusedMessage) { throw .refused }
            environment.broker.enqueue(.init(message: message, exchange: exchange, routingKey: routingKey))
            world.note("\(name) published to \(exchange) \(routingKey) \(message.properties.correlationID ?? "")")
        }
        await world.sleep(Int64(world.number(0...20)))
        guard survives(), !world.shouldFail(world.faultRates.lostConfirm) else { throw .outcomeUnknown("the confirm was lost") }
    }

    func hasListener(directReplyTo name: String) async throws(PublishError) -> Bool { true }

    func whenConnected() async throws(CancellationError) {
        guard isAlive else { throw CancellationError() }
    }
}
