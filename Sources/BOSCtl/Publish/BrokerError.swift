import AMQP

/// Why jobs could not be published, in words for the person at the keyboard.
enum BrokerError: Error, CustomStringConvertible {
    case url(AMQPURLError)
    case thread(String)
    case unreachable(SessionError)
    /// The job exchange leads nowhere for this kind of job.
    case unrouted(exchange: String, routingKey: String)
    /// What the broker or the wire would never take.
    case notPublished(reference: String, PublishError)

    var description: String {
        switch self {
        case .url(let error): "amqp.urls: \(error)"
        case .thread(let reason): "the connection has no thread: \(reason)"
        case .unreachable(.topologyMissing(let object)):
            "the \(object) does not exist on the broker; start bos-worker once, it declares what is needed"
        case .unreachable(.markedOtherwise(let queue, let text)):
            "the broker's virtual host belongs to another ledger (the queue \(queue) remembers it: \(text)): nothing is published there; "
                + "amqp.urls and ledger.url must be those of one worker"
        case .unreachable(let error): "\(error)"
        case .unrouted(let exchange, let key):
            "no queue is bound to the exchange \(exchange) for \(key), so the job was not taken; start bos-worker once, it declares what is needed"
        case .notPublished(let reference, let error): "the job \(reference) was not published: \(error)"
        }
    }
}
