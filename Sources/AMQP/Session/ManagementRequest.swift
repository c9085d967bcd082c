/// A question or a small task for the broker, done on a channel of its own, so that an answer that closes the channel hurts nothing else.
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
