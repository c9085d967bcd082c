/// A question or a small task for the broker, done on a channel of its own, so that an answer that closes the channel hurts nothing else.
struct Errand: Sendable {
    enum Kind: Sendable, Equatable {
        case depth(queue: String)
        case inspection
        case deleteQueue(String)
        case deleteExchange(String)
    }

    let kind: Kind
    private let continuation: CheckedContinuation<Result<Reply, SessionError>, Never>

    init(_ kind: Kind, continuation: CheckedContinuation<Result<Reply, SessionError>, Never>) {
        self.kind = kind
        self.continuation = continuation
    }

    func finish(_ result: Result<Reply, SessionError>) {
        continuation.resume(returning: result)
    }
}

/// What is kept of a broker's answer.
enum Reply: Sendable, Equatable {
    case done
    case queue(messages: UInt32, consumers: UInt32)
    case findings([String])
}
