import NIOCore
private import NIOPosix

/// Sends a request in one packet: all flushes within one turn of the event loop become one flush at the end of the turn.
///
/// The HTTP client flushes a request's head before it asks for the body. Without this handler the body would leave in a second packet, which
/// costs a second system call here and a second wake-up of the server. The order of the bytes stays the same.
final class FlushOnce: ChannelOutboundHandler {
    typealias OutboundIn = Any
    typealias OutboundOut = Any

    private var isWaiting = false
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func flush(context: ChannelHandlerContext) {
        guard !isWaiting else { return }
        isWaiting = true
        context.eventLoop.assumeIsolated().execute {
            self.isWaiting = false
            context.flush()
        }
    }

    /// Flushes first, so that the request's last bytes leave before the connection closes.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.flush()
        context.close(mode: mode, promise: promise)
    }

    /// Ends the connection at once. The kernel drops the bytes that have not left, and sends RST. This bypasses TLS, because the TLS handler
    /// would wait for the other side's close message.
    func reset(promise: EventLoopPromise<Void>?) {
        guard let context else {
            promise?.succeed()
            return
        }
        (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
        context.close(mode: .all, promise: promise)
    }
}
