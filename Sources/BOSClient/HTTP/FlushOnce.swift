import NIOCore
private import NIOPosix

/// Lets a request leave in one packet: what is flushed within one turn of the event loop is flushed once, at its end.
///
/// The HTTP client flushes a request's head before it asks for the body, which then follows in a packet of its own: a second system
/// call here, and a second wake-up of whoever reads. Nothing waits longer than to the end of the turn, and nothing is reordered.
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

    /// The request's last bytes still leave before the connection closes.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.flush()
        context.close(mode: mode, promise: promise)
    }

    /// Ends the connection at once: the kernel forgets what has not left yet, and tells the other side (RST). TLS is passed by, because
    /// its goodbye would wait for the other side's.
    func reset(promise: EventLoopPromise<Void>?) {
        guard let context else {
            promise?.succeed()
            return
        }
        (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
        context.close(mode: .all, promise: promise)
    }
}
