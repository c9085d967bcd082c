import NIOCore
import NIOPosix
import Synchronization

/// A stand-in for BOS with one constant answer, "succeeded". It reads of a request only its path and its length.
final class ConstantBOS: Sendable {
    let port: Int
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: any Channel
    private let counter = Counter()

    /// How many recharges it has answered so far. Other calls are answered too, and not counted.
    var recharges: Int { counter.value }

    init() async throws {
        let counter = counter
        channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(ConstantAnswerHandler(counter)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func close() async throws {
        try await channel.close()
        try await group.shutdownGracefully()
    }

    final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func increment() { count.withLock { $0 += 1 } }
    }
}

/// Answers each complete request on one connection.
private final class ConstantAnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let answer: ByteBuffer = {
        let body =
            #"{"status":true,"response_code":1,"operatorid":1111122233,"ackno":"11224445565","message":"Recharge of Amount 10 is successful"}"#
        return ByteBuffer(
            string: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }()
    private static let headEnd = Array("\r\n\r\n".utf8)
    private static let lengthName = Array("content-length:".utf8)
    private static let rechargeName = Array("/dorecharge".utf8)

    private let counter: ConstantBOS.Counter
    private var pending = ByteBuffer()

    init(_ counter: ConstantBOS.Counter) { self.counter = counter }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if pending.readableBytes == 0 { pending = bytes } else { pending.writeBuffer(&bytes) }
        while let size = Self.requestSize(pending.readableBytesView), size <= pending.readableBytes {
            if Self.isRecharge(pending.readableBytesView) { counter.increment() }
            pending.moveReaderIndex(forwardBy: size)
            context.write(wrapOutboundOut(Self.answer), promise: nil)
        }
        if pending.readableBytes == 0 { pending.clear() }
        context.flush()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The number of bytes of head and body; `nil` while the head is incomplete.
    private static func requestSize(_ view: ByteBufferView) -> Int? {
        view.withUnsafeBytes { bytes in
            guard let end = offset(of: headEnd, in: bytes) else { return nil }
            var length = 0
            if let name = offset(of: lengthName, in: UnsafeRawBufferPointer(rebasing: bytes[..<end])) {
                for byte in bytes[(name + lengthName.count)..<end] where byte != UInt8(ascii: " ") {
                    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { break }
                    length = length * 10 + Int(byte - UInt8(ascii: "0"))
                }
            }
            return end + headEnd.count + length
        }
    }

    /// Whether the request is a `DoRecharge`. Only its first 64 bytes are searched.
    private static func isRecharge(_ view: ByteBufferView) -> Bool {
        view.withUnsafeBytes { offset(of: rechargeName, in: UnsafeRawBufferPointer(rebasing: $0.prefix(64))) != nil }
    }

    /// The first offset of the pattern; `nil` if there is none. The pattern must be in lower case; the case of the text does not matter.
    private static func offset(of pattern: [UInt8], in bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        return (0...(bytes.count - pattern.count)).first { start in
            pattern.indices.allSatisfy { index in
                let byte = bytes[start + index]
                let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                return (isCapital ? byte | 0x20 : byte) == pattern[index]
            }
        }
    }
}
