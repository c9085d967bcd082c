import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A TCP server that does with each request what its script says. It records each request whose whole body has arrived.
final class ScriptedServer: Sendable {
    enum Action: Sendable {
        case write(String)
        case writeThenClose(String)
        /// Writes two segments, with a turn of the event loop between them.
        case writeTwice(String, String)
        case writeAfter(Duration, String)
        /// Writes, and closes the connection if no request follows within this time. The end of the connection is then `idle`.
        case writeAndKeep(Duration, String)
        case close
        case reset
        case silence
    }

    /// Decides about a request.
    /// - Parameters:
    ///   - number: counts the requests from 1.
    ///   - request: head and body as text.
    typealias Script = @Sendable (_ number: Int, _ request: String) -> Action

    private let channel: any Channel
    private let seen: Seen
    let port: Int
    var address: String { "http://127.0.0.1:\(port)/api/BOS" }
    /// All requests in the order of arrival.
    var requests: [String] { seen.list.withLock { $0 } }

    /// How many connections were accepted.
    var connections: Int { seen.connections.withLock { $0 } }

    fileprivate final class Seen: Sendable {
        let connections = Mutex(0)
        let ends = AsyncStream.makeStream(of: String.self)
        let list = Mutex<[String]>([])
        let arrivals = AsyncStream.makeStream(of: String.self)
    }

    private init(channel: any Channel, port: Int, seen: Seen) {
        self.channel = channel
        self.port = port
        self.seen = seen
    }

    /// - Parameter onConnect: what it does with a new connection. It then reads nothing from it.
    static func start(onConnect: Action? = nil, script: @escaping Script) async throws -> ScriptedServer {
        let seen = Seen()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ScriptHandler(seen: seen, onConnect: onConnect, script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ScriptedServer(channel: channel, port: channel.localAddress?.port ?? 0, seen: seen)
    }

    /// Waits for the next request that no earlier call has returned.
    func nextRequest() async -> String? { await seen.arrivals.stream.first { _ in true } }

    /// Waits for the next end of a connection that no earlier call has returned: `closed`, `reset` or `idle`.
    func nextEnd() async -> String? { await seen.ends.stream.first { _ in true } }

    func stop() async throws { try await channel.close() }

    /// A whole HTTP answer with a JSON body.
    static func answer(_ status: String, body: String, headers: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }
}

/// Collects bytes until a request is complete. The requests of a connection come one after the other.
private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let seen: ScriptedServer.Seen
    private let onConnect: ScriptedServer.Action?
    private let script: ScriptedServer.Script
    private var text = ""

    init(seen: ScriptedServer.Seen, onConnect: ScriptedServer.Action?, script: @escaping ScriptedServer.Script) {
        self.seen = seen
        self.onConnect = onConnect
        self.script = script
    }

    private var end = "closed"
    /// Closes the connection if no request follows.
    private var idleTimer: Scheduled<Void>?

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end = "reset"
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        idleTimer?.cancel()
        seen.ends.continuation.yield(end)
    }

    func channelActive(context: ChannelHandlerContext) {
        seen.connections.withLock { $0 += 1 }
        if let onConnect { perform(onConnect, on: context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if onConnect != nil { return }
        idleTimer?.cancel()
        text += String(buffer: unwrapInboundIn(data))
        guard let end = text.firstRange(of: "\r\n\r\n"),
            let length = text.firstMatch(of: /content-length: (\d+)/.ignoresCase()).flatMap({ Int($0.1) }),
            text[end.upperBound...].utf8.count >= length
        else { return }
        let request = text
        text = ""
        let number = seen.list.withLock { list in
            list.append(request)
            return list.count
        }
        seen.arrivals.continuation.yield(request)
        perform(script(number, request), on: context)
    }

    private func perform(_ action: ScriptedServer.Action, on context: ChannelHandlerContext) {
        switch action {
        case .write(let text): context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        case .writeThenClose(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            context.close(promise: nil)
        case .writeTwice(let first, let second):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: first)), promise: nil)
            let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.execute {
                let (handler, context) = loopBound.value
                context.writeAndFlush(handler.wrapOutboundOut(ByteBuffer(string: second)), promise: nil)
            }
        case .writeAfter(let pause, let text):
            let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: TimeAmount(pause)) {
                let (handler, context) = loopBound.value
                context.writeAndFlush(handler.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            }
        case .writeAndKeep(let limit, let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            idleTimer = context.eventLoop.scheduleTask(in: TimeAmount(limit)) {
                let (handler, context) = loopBound.value
                handler.end = "idle"
                context.close(promise: nil)
            }
        case .close: context.close(promise: nil)
        case .reset:
            (context.channel as? any SocketOptionProvider)?
                .setSoLinger(linger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { _ in
                    context.close(promise: nil)
                }
        case .silence: break
        }
    }
}
