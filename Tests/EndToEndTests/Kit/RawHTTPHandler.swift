import Foundation
import NIOCore

/// One connection of a ``RawBOS``. It collects bytes until a request is complete, and performs the action for it.
final class RawHTTPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Answer = @Sendable (_ path: String, _ headers: [(name: String, value: String)], _ body: [UInt8]) -> RawBOS.Action

    private let answer: Answer
    private var received = ByteBuffer()
    /// Bytes to write before the answer to the next request.
    private var owed: [UInt8] = []
    /// Closes the connection after an idle time.
    private var expiry: Scheduled<Void>?

    init(answer: @escaping Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        received.writeBuffer(&buffer)
        while let request = next() {
            expiry?.cancel()
            expiry = nil
            perform(answer(request.path, request.headers, request.body), on: context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func next() -> (path: String, headers: [(name: String, value: String)], body: [UInt8])? {
        let view = received.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: view[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
        }
        let length = headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) } ?? 0
        guard view.endIndex - end.upperBound >= length else { return nil }
        let body = Array(view[end.upperBound..<end.upperBound + length])
        received.moveReaderIndex(forwardBy: end.upperBound + length - view.startIndex)
        received.discardReadBytes()
        return (lines[0].split(separator: " ").dropFirst().first.map(String.init) ?? "", headers, body)
    }

    private func perform(_ action: RawBOS.Action, on context: ChannelHandlerContext) {
        let channel = context.channel
        let before = owed
        owed = []
        func write(_ bytes: [UInt8]) { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: before + bytes)), promise: nil) }
        switch action {
        case .write(let bytes): write(bytes)
        case .writeThenClose(let bytes):
            write(bytes)
            context.close(promise: nil)
        case .writeAndOwe(let bytes, let later):
            write(bytes)
            owed = later
        case .writeThenExpire(let bytes, let later, let pause):
            write(bytes)
            expiry = context.eventLoop.scheduleTask(in: TimeAmount(pause)) {
                channel.writeAndFlush(ByteBuffer(bytes: later), promise: nil)
                channel.close(promise: nil)
            }
        case .hold(let hold, let bytes): hold.wait { channel.writeAndFlush(ByteBuffer(bytes: before + bytes), promise: nil) }
        case .hang: break
        case .reset:
            (channel as? any SocketOptionProvider)?
                .setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
        }
    }
}
