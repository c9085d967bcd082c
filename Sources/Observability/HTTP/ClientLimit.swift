import NIOCore
private import Synchronization

/// Limits the connections to the pages, and how long each may keep the server waiting.
///
/// A client that sends byte by byte does not push its time-out back. When a connection too many comes, the limit closes the one that has kept
/// the server waiting longest, so that clients that send nothing do not keep `/readyz` from others.
final class ClientLimit: Sendable {
    private struct Client {
        let channel: any Channel
        /// Closes the connection; `nil` while the server answers its request.
        var timeOut: Scheduled<Void>?
        /// When the server began to wait for the client.
        var since = NIODeadline.now()
    }

    private let clients = Mutex<[ObjectIdentifier: Client]>([:])
    private let maximum: Int
    private let patience: TimeAmount

    /// - Parameter patience: how long a client may take from its connection, or its last answer, to the end of the next request's head.
    init(maximum: Int, patience: TimeAmount) {
        self.maximum = maximum
        self.patience = patience
    }

    /// Admits a connection that was accepted.
    func open(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let surplus = clients.withLock { clients -> (any Channel)? in
            var surplus: (any Channel)?
            if clients.count >= maximum {
                let slowest = clients.filter { $0.value.timeOut != nil }.min { $0.value.since < $1.value.since }
                guard let slowest else { return channel }
                surplus = clients.removeValue(forKey: slowest.key)?.channel
            }
            clients[id] = Client(channel: channel, timeOut: timeOut(of: channel))
            return surplus
        }
        channel.closeFuture.whenComplete { _ in self.clients.withLock { $0.removeValue(forKey: id) }?.timeOut?.cancel() }
        // Close it later: the pipeline of the new connection is still being built.
        surplus?.eventLoop.execute { surplus?.close(promise: nil) }
    }

    /// Stops the time-out: the head of a request has come.
    func beginAnswer(on channel: any Channel) { wait(for: channel, timeOut: nil) }

    /// Starts the time-out again: the answer is made, and the client may send another request.
    func endAnswer(on channel: any Channel) { wait(for: channel, timeOut: timeOut(of: channel)) }

    private func wait(for channel: any Channel, timeOut: Scheduled<Void>?) {
        let last = clients.withLock { clients in
            let last = clients[ObjectIdentifier(channel)]?.timeOut
            clients[ObjectIdentifier(channel)]?.timeOut = timeOut
            clients[ObjectIdentifier(channel)]?.since = .now()
            return last
        }
        last?.cancel()
    }

    private func timeOut(of channel: any Channel) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }
}

/// Tells the limit of a connection that was accepted.
final class ClientArrival: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Never

    private let limit: ClientLimit

    init(_ limit: ClientLimit) { self.limit = limit }

    func handlerAdded(context: ChannelHandlerContext) { limit.open(context.channel) }
}
