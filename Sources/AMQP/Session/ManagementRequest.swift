/// A request about queues, exchanges or the topology. It has a channel of its own, so that a reply that closes the channel affects
/// nothing else.
struct ManagementRequest: Sendable {
    enum Kind: Sendable, Equatable {
        case depth(queue: String)
        case topologyInspection
        case deleteQueue(String)
        case deleteExchange(String)
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
