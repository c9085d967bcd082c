/// A request about queues, exchanges or the topology. It has a channel of its own, so that a reply that closes the channel affects
/// nothing else.
struct ManagementRequest: Sendable {
    enum Kind: Sendable, Equatable {
        case depth(queue: String)
        case topologyInspection
        case deleteQueue(String)
        case deleteExchange(String)
        /// Removes a binding between exchanges. One that does not exist is not missed.
        case unbindExchange(String, from: String, routingKey: String)
        /// Declares or checks one item, outside of the connection's own topology.
        case declare(TopologyItem, TopologyMode)
    }

    let kind: Kind
    private let continuation: CheckedContinuation<Result<BrokerReply, SessionError>, Never>

    init(_ kind: Kind, continuation: CheckedContinuation<Result<BrokerReply, SessionError>, Never>) {
        self.kind = kind
        self.continuation = continuation
    }

    func finish(_ result: Result<BrokerReply, SessionError>) {
        continuation.resume(returning: result)
    }
}
