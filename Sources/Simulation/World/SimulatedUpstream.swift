import AMQP
import ExactJSON
import JobModel
import Synchronization

/// The services that publish jobs. They publish some jobs again, and some used references with other content.
struct SimulatedUpstream {
    /// One published message.
    struct Order: Sendable {
        var kind: JobKind
        var reference: String
        /// Identifies the recipient.
        var correlationID: String
        var paise: Int64
        var body: [UInt8]
        /// `message_id`; some upstreams set none.
        var messageID: String?
        /// The `RegisterID` in the message, if it is not left to the configuration.
        var merchant: String?
        var replyTo: String?
    }

    let world: SimulatedWorld
    let broker: ModelBroker

    /// Publishes jobs during the fault phase.
    /// - Returns: every message that was published.
    func run() async -> [Order] {
        var orders: [Order] = []
        for number in 0..<world.number(3...10) {
            await world.sleep(Int64(world.number(0...Int(world.faultPhase) / 10)))
            var first = order(number)
            first.messageID = Self.messageID(orders.count)
            orders.append(first)
            publish(first)
            for copy in 1..<4 where world.chance(0.25) {
                await world.sleep(Int64(world.number(0...60_000)))
                var again = first
                if world.chance(0.3) { again = order(number, like: first) }
                // From the same recipient, or from another one.
                if world.chance(0.6) { (again.correlationID, again.replyTo) = ("\(first.reference)/\(copy)", nil) }
                again.messageID = Self.messageID(orders.count)
                orders.append(again)
                publish(again)
            }
        }
        return orders
    }

    private func order(_ number: Int, like first: Order? = nil) -> Order {
        let kind = first?.kind ?? world.pick([.recharge, .recharge, .recharge, .rechargeStatus, .rechargeStatus, .panStatus])
        let reference =
            first?.reference ?? (kind == .rechargeStatus ? "r\(world.number(0...number))" : "\(kind == .recharge ? "r" : "p")\(number)")
        // Few amounts, so that the same purchase comes more than once.
        let paise = Int64(world.number(1...6)) * 100
        let merchant = first == nil ? kind == .recharge && world.chance(0.1) ? Conditions.refusedMerchant : nil : first?.merchant
        var members: [JSONValue.Member]
        switch kind {
        case .recharge:
            members = [
                .init("operator", .number("311")), .init("canumber", .string("c")), .init("amount", .number(Money(paise: paise).rupees)),
                .init("referenceid", .string(reference)),
            ]
            if let merchant { members.append(.init("RegisterID", .string(merchant))) }
        case .rechargeStatus: members = [.init("referenceid", .string(reference))]
        case .panStatus: members = [.init("refid", .string(reference))]
        }
        if world.chance(0.2) {
            members.append(.init("expires_at", .string((world.wallClock + .seconds(world.number(-10...300))).rfc3339)))
        }
        var order = Order(
            kind: kind, reference: reference, correlationID: "\(reference)/0", paise: kind == .recharge ? paise : 0,
            body: JSONValue.object(members).encoded)
        order.merchant = merchant
        order.replyTo =
            first?.replyTo ?? (first == nil && world.conditions.turnsDownReplies && world.chance(0.3) ? ModelBroker.forbidden : nil)
        return order
    }

    private static func messageID(_ number: Int) -> String? { number.isMultiple(of: 4) ? nil : "m\(number)" }

    private func publish(_ order: Order) {
        var properties = Properties()
        // The recipient of a status is not the one that ordered the recharge.
        properties.correlationID = order.kind == .rechargeStatus ? "q/\(order.correlationID)" : order.correlationID
        properties.type = order.kind.rawValue
        properties.messageID = order.messageID
        properties.replyTo = order.replyTo
        world.note("upstream publishes \(order.kind.rawValue) \(order.correlationID) \(order.paise)")
        broker.enqueue(
            .init(message: Message(body: order.body, properties: properties), exchange: "bos.jobs", routingKey: order.kind.rawValue))
    }
}
