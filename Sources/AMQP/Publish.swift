/// A message on its way out, with the caller that waits for its confirm.
struct Publish: Sendable {
    let message: Message
    let exchange: String
    let routingKey: String
    let mandatory: Bool
    private let continuation: CheckedContinuation<PublishError?, Never>

    init(_ message: Message, exchange: String, routingKey: String, mandatory: Bool, continuation: CheckedContinuation<PublishError?, Never>)
    {
        self.message = message
        self.exchange = exchange
        self.routingKey = routingKey
        self.mandatory = mandatory
        self.continuation = continuation
    }

    /// Tells the caller, straight from the connection's thread: nil means confirmed.
    func finish(_ error: PublishError?) {
        continuation.resume(returning: error)
    }
}
