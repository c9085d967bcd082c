internal import NIOCore
internal import NIOHTTP1

/// Watches one connection, between HTTP's codec and the HTTP client.
///
/// An answer is handed on at the end of the batch of bytes in which it became whole, so that a second one in the same batch is seen before
/// the connection can be used again. Whether it is used again is decided here, see ``ConnectionTrust``. A call that breaks off while its
/// answer is outstanding resets the connection, so that the request cannot lie in the kernel and leave later.
final class ConnectionWatch: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// How long a connection is listened to after its answer while trust is being earned.
    private static let listeningTime = TimeAmount.milliseconds(250)
    /// An answer that is longer is handed on as it comes.
    private static let maximumHeld = 131_072

    private let trust: ConnectionTrust
    private let isForRecharges: Bool
    private let idleTimeout: Duration
    private let socket: FlushOnce
    private var isOutstanding = false
    private var held = HeldAnswer()
    /// What the last answer on this connection had in its `ackno`.
    private var lastMark: [UInt8]?
    /// Set while the connection is used no more and only listened to.
    private var listening: Scheduled<Void>?
    /// The mark of the answer after which it is listened to.
    private var heardBefore: [UInt8] = []

    /// - Parameters:
    ///   - isForRecharges: `false`: every call has a connection of its own.
    ///   - idleTimeout: how long the client keeps a connection without a call.
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
        if listening != nil || !isOutstanding || held.isWhole { return foundUnasked(context) }
        // An interim head, 1xx, is not the answer.
        if case .head(let head) = part, head.status.code < 200 { return context.fireChannelRead(data) }
        held.append(part)
        if held.isWhole, held.isStreamed { return handOn(context) }
        if held.bytes > Self.maximumHeld { stream(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if held.isWhole { handOn(context) }
        context.fireChannelReadComplete()
        if listening != nil { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Errors of the codec speak of bytes that came; any other of the connection itself.
        guard error is HTTPParserError || error is NIOHTTPDecoderError, listening != nil || !isOutstanding || held.isWhole else {
            return context.fireErrorCaught(error)
        }
        foundUnasked(context)
        if listening == nil, !held.isWhole { context.fireErrorCaught(error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if held.isWhole { handOn(context) }
        stopListening(silent: true)
        context.fireChannelInactive()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if isOutstanding { return socket.reset(promise: promise) }
        if listening == nil, isForRecharges, let mark = lastMark, context.channel.isActive, trust.mayListen() {
            heardBefore = mark
            listening = context.eventLoop.assumeIsolated().scheduleTask(in: Self.listeningTime) {
                self.stopListening(silent: true)
                context.close(mode: mode, promise: promise)
            }
            return context.read()
        }
        // It is wanted at once, for example because the client shuts down.
        stopListening(silent: false)
        context.close(mode: mode, promise: promise)
    }
}

extension ConnectionWatch {
    /// Hands the whole answer on, and decides whether another call may use the connection.
    private func handOn(_ context: ChannelHandlerContext) {
        let answer = held
        held = HeldAnswer()
        isOutstanding = false
        let mark = isForRecharges && answer.status == 200 ? answer.acknowledgement : nil
        if let mark, mark == lastMark, trust.hasUniqueMarks {
            trust.lose()
            return context.fireErrorCaught(UnaskedAnswer())
        }
        lastMark = mark
        // The server may close the connection while a recharge is on its way, unless it keeps it for clearly longer than the client does.
        let isKept = mark != nil && trust.isEarned && answer.serverTimeout.map { $0 >= idleTimeout + .seconds(1) } != false
        for part in isKept ? answer.parts : answer.closing { context.fireChannelRead(wrapInboundOut(part)) }
    }

    /// Hands on what there is of an answer that is too long to be held.
    private func stream(_ context: ChannelHandlerContext) {
        let parts = held.closing
        held.stream()
        for part in parts { context.fireChannelRead(wrapInboundOut(part)) }
    }

    private func foundUnasked(_ context: ChannelHandlerContext) {
        trust.lose()
        guard listening != nil else { return }
        stopListening(silent: false)
        socket.reset(promise: nil)
    }

    private func stopListening(silent: Bool) {
        guard let listening else { return }
        listening.cancel()
        self.listening = nil
        if silent { trust.heardSilence(after: heardBefore) } else { trust.stoppedListening() }
    }
}

/// The parts of an answer that were not handed on yet.
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

    /// The parts, with a head after which the client closes the connection.
    var closing: [HTTPClientResponsePart] {
        parts.map { part in
            guard case .head(var head) = part else { return part }
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            return .head(head)
        }
    }

    /// How long the server says that it keeps an idle connection; `nil` if it does not say. Source: RFC 2068, section 19.7.1.1, and practice.
    var serverTimeout: Duration? {
        for case .head(let head) in parts {
            for parameter in head.headers[canonicalForm: "Keep-Alive"] where parameter.lowercased().hasPrefix("timeout=") {
                return Int32(parameter.dropFirst("timeout=".count)).map(Duration.seconds)
            }
        }
        return nil
    }

    /// The value of `ackno` as it is spelled; `nil` if the answer has none, or an empty one.
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

/// An answer on a kept connection that is a copy of the one before.
struct UnaskedAnswer: Error {}
