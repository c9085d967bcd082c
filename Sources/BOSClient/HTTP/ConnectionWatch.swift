internal import NIOCore
internal import NIOHTTP1

/// Watches one connection. It stands between the HTTP codec and the HTTP client.
///
/// It passes an answer on at the end of the batch of bytes that completes it, so that it sees a second answer in the same batch before the
/// connection can be used again. It also decides whether the connection is used again, see ``ConnectionTrust``. If a call ends while its answer
/// is outstanding, it resets the connection, so that the request cannot stay in the kernel and leave later.
final class ConnectionWatch: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// How long the watch listens to a connection after an answer, while trust is being earned.
    private static let listeningTime = TimeAmount.milliseconds(250)
    /// In bytes. A longer answer is passed on part by part.
    private static let maximumHeld = 131_072

    private let trust: ConnectionTrust
    private let isForRecharges: Bool
    private let idleTimeout: Duration
    private let socket: FlushOnce
    private var isOutstanding = false
    private var held = HeldAnswer()
    /// The `ackno` of the last answer on this connection.
    private var lastMark: [UInt8]?
    /// Set while the connection carries no more calls and the watch only listens to it.
    private var listening: Scheduled<Void>?
    /// The `ackno` of the answer before the listening.
    private var markBeforeListening: [UInt8] = []

    /// - Parameters:
    ///   - isForRecharges: after `false` every call has a connection of its own.
    ///   - idleTimeout: how long the client keeps a connection without a call.
    ///   - socket: resets the connection.
    init(_ trust: ConnectionTrust, isForRecharges: Bool, idleTimeout: Duration, socket: FlushOnce) {
        self.trust = trust
        self.isForRecharges = isForRecharges
        self.idleTimeout = idleTimeout
        self.socket = socket
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head = unwrapOutboundIn(data) { isOutstanding = true }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if listening != nil || !isOutstanding || held.isWhole { return foundUnexpected(context) }
        // A head with a status of 1xx is interim and not the answer.
        if case .head(let head) = part, head.status.code < 200 { return context.fireChannelRead(data) }
        held.append(part)
        if held.isWhole, held.isStreamed { return passOn(context) }
        if held.bytes > Self.maximumHeld { stream(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if held.isWhole { passOn(context) }
        context.fireChannelReadComplete()
        if listening != nil { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Errors of the codec are about received bytes. All other errors are about the connection itself.
        guard error is HTTPParserError || error is NIOHTTPDecoderError, listening != nil || !isOutstanding || held.isWhole else {
            return context.fireErrorCaught(error)
        }
        foundUnexpected(context)
        if listening == nil, !held.isWhole { context.fireErrorCaught(error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if held.isWhole { passOn(context) }
        stopListening(silent: true)
        context.fireChannelInactive()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if isOutstanding { return socket.reset(promise: promise) }
        if listening == nil, isForRecharges, let mark = lastMark, context.channel.isActive, trust.mayListen() {
            markBeforeListening = mark
            listening = context.eventLoop.assumeIsolated().scheduleTask(in: Self.listeningTime) {
                self.stopListening(silent: true)
                context.close(mode: mode, promise: promise)
            }
            return context.read()
        }
        // The connection has to close at once, for example because the client shuts down.
        stopListening(silent: false)
        context.close(mode: mode, promise: promise)
    }
}

extension ConnectionWatch {
    /// Passes the whole answer on, and decides whether another call may use the connection.
    private func passOn(_ context: ChannelHandlerContext) {
        let answer = held
        held = HeldAnswer()
        isOutstanding = false
        let mark = isForRecharges && answer.status == 200 ? answer.acknowledgement : nil
        if let mark, mark == lastMark, trust.hasUniqueMarks {
            trust.lose()
            return context.fireErrorCaught(UnaskedAnswer())
        }
        lastMark = mark
        // The server must keep an idle connection for clearly longer than the client does. Otherwise it may close it while a recharge is on its way.
        let isKept = mark != nil && trust.isEarned && answer.serverTimeout.map { $0 >= idleTimeout + .seconds(1) } != false
        for part in isKept ? answer.parts : answer.closing { context.fireChannelRead(wrapInboundOut(part)) }
    }

    /// Passes on the received parts of an answer that is too long to be held.
    private func stream(_ context: ChannelHandlerContext) {
        let parts = held.closing
        held.stream()
        for part in parts { context.fireChannelRead(wrapInboundOut(part)) }
    }

    private func foundUnexpected(_ context: ChannelHandlerContext) {
        trust.lose()
        guard listening != nil else { return }
        stopListening(silent: false)
        socket.reset(promise: nil)
    }

    private func stopListening(silent: Bool) {
        guard let listening else { return }
        listening.cancel()
        self.listening = nil
        if silent { trust.heardSilence(after: markBeforeListening) } else { trust.stoppedListening() }
    }
}

/// The parts of an answer that were not passed on yet.
private struct HeldAnswer {
    private(set) var parts: [HTTPClientResponsePart] = []
    private(set) var isWhole = false
    private(set) var isStreamed = false
    private(set) var bytes = 0
    private(set) var status = 0

    mutating func append(_ part: HTTPClientResponsePart) {
        switch part {
        case .head(let head): status = Int(head.status.code)
        case .body(let buffer): bytes += buffer.readableBytes
        case .end: isWhole = true
        }
        parts.append(part)
    }

    mutating func stream() {
        (parts, isStreamed, bytes) = ([], true, 0)
    }

    /// The parts, with `Connection: close` in the head, so that the client closes the connection.
    var closing: [HTTPClientResponsePart] {
        parts.map { part in
            guard case .head(var head) = part else { return part }
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            return .head(head)
        }
    }

    /// How long the server keeps an idle connection, by its header `Keep-Alive`. `nil` if it does not say. Source: RFC 2068, section 19.7.1.1, and
    /// practice.
    var serverTimeout: Duration? {
        for case .head(let head) in parts {
            for parameter in head.headers[canonicalForm: "Keep-Alive"] where parameter.lowercased().hasPrefix("timeout=") {
                return Int32(parameter.dropFirst("timeout=".count)).map(Duration.seconds)
            }
        }
        return nil
    }

    /// The value of `ackno` as it is spelled. `nil` if the answer has none, or an empty one.
    var acknowledgement: [UInt8]? {
        for case .body(let buffer) in parts {
            if let mark = buffer.withUnsafeReadableBytes(Self.acknowledgement) { return mark }
        }
        return nil
    }

    private static let name = Array("\"ackno\"".utf8)

    private static func acknowledgement(in bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard bytes.count > name.count else { return nil }
        for start in 0..<(bytes.count - name.count) where bytes[start] == name[0] && bytes[start + 1] == name[1] {
            guard bytes[start..<start + name.count].elementsEqual(name) else { continue }
            let value = bytes[(start + name.count)...].drop { $0 <= 0x20 || $0 == UInt8(ascii: ":") }
                .prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "}") && $0 > 0x20 }
            let isNone =
                value.count < 2 && value.first == UInt8(ascii: "0") || value.elementsEqual("\"\"".utf8) || value.elementsEqual("null".utf8)
            return value.isEmpty || isNone ? nil : Array(value)
        }
        return nil
    }
}

/// The answer on a kept connection is a copy of the answer before it.
struct UnaskedAnswer: Error {}
