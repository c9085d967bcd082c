internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
private import Synchronization

/// One request and what came of it, watched from the inside of the HTTP client.
///
/// Whether a failed call may have been executed is decided here, and not by the kind of the error: the body carries the reference
/// and the amount, so BOS can execute nothing before a byte of it has left. The body is handed over in one place, and there it is
/// first noted; a call that failed before that note was certainly not executed. The same lock forbids handing the body over once
/// the call has been reported as not sent, so the proof does not rest on the HTTP client's inner workings.
final class HTTPExchange: HTTPClientResponseDelegate {
    typealias Response = HTTPAnswer

    private struct State {
        /// No byte of the body may leave any more: the call was reported as not sent.
        var isAbandoned = false
        /// A byte of the body may have left.
        var mayHaveBeenSent = false
        /// The caller said that it is too late to send.
        var isLate = false
        /// When the body was handed over.
        var sentAt: NIODeadline?
        var answer = HTTPAnswer()
    }

    private let state = Mutex(State())
    private let maximumAnswerBytes: Int
    private let isTimely: (@Sendable () -> Bool)?

    /// - Parameter isTimely: asked once, directly before the body is handed over; after `false` nothing leaves.
    init(maximumAnswerBytes: Int, isTimely: (@Sendable () -> Bool)? = nil) {
        self.maximumAnswerBytes = maximumAnswerBytes
        self.isTimely = isTimely
    }

    /// Whether the call ended because the caller said that it is too late.
    var isLate: Bool { state.withLock(\.isLate) }

    /// The request's body; the one way for its bytes to leave.
    func body(_ bytes: [UInt8]) -> HTTPClient.Body {
        .stream(contentLength: Int64(bytes.count)) { writer in
            let isTimely = self.isTimely?() ?? true
            let maySend = self.state.withLock { state in
                state.isLate = !isTimely
                state.mayHaveBeenSent = isTimely && !state.isAbandoned
                if state.mayHaveBeenSent { state.sentAt = .now() }
                return state.mayHaveBeenSent
            }
            // Without an event loop at hand a failed future has to come from the writer: nothing is written, and the length that
            // was announced is not reached, which fails the request.
            return writer.write(.byteBuffer(maySend ? ByteBuffer(bytes: bytes) : ByteBuffer()))
        }
    }

    /// When the body was handed over; `nil` while it was not.
    var sentAt: NIODeadline? { state.withLock(\.sentAt) }

    /// Decides, once the request has failed, whether it may have been executed. After `false` it never will be.
    func mayHaveBeenExecuted() -> Bool {
        state.withLock { state in
            if !state.mayHaveBeenSent { state.isAbandoned = true }
            return state.mayHaveBeenSent
        }
    }

    func didReceiveHead(task: HTTPClient.Task<HTTPAnswer>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        state.withLock { state in
            state.answer.status = Int(head.status.code)
            state.answer.retryAfter = RetryAfter.read(head.headers)
            state.answer.encoding = head.headers.contentEncoding
            state.answer.refusesToken = head.headers[canonicalForm: "WWW-Authenticate"].contains {
                $0.lowercased().contains("invalid_token")
            }
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<HTTPAnswer>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let fits = state.withLock { state in
            guard state.answer.body.count + buffer.readableBytes <= maximumAnswerBytes else { return false }
            state.answer.body.append(contentsOf: buffer.readableBytesView)
            return true
        }
        return fits ? task.eventLoop.makeSucceededVoidFuture() : task.eventLoop.makeFailedFuture(AnswerTooLong())
    }

    func didFinishRequest(task: HTTPClient.Task<HTTPAnswer>) throws -> HTTPAnswer {
        state.withLock(\.answer)
    }
}

/// A whole HTTP answer.
struct HTTPAnswer: Sendable {
    var status = 0
    var retryAfter: Duration?
    /// The header `WWW-Authenticate` says `invalid_token`. Source: RFC 6750, section 3.1.
    var refusesToken = false
    /// What `Content-Encoding` names, unless the body is the text as it is. Source: RFC 9110, section 8.4.
    var encoding: String?
    var body: [UInt8] = []
}

extension HTTPHeaders {
    /// What `Content-Encoding` names, with nothing in it but letters, hyphens and commas. Some servers name the character set here.
    fileprivate var contentEncoding: String? {
        let plain = ["", "identity", "utf-8", "utf8", "us-ascii", "ascii"]
        let names = self[canonicalForm: "Content-Encoding"].map { $0.lowercased() }.filter { !plain.contains($0) }
        guard !names.isEmpty else { return nil }
        return String(names.joined(separator: ",").filter { ("a"..."z").contains($0) || $0 == "-" || $0 == "," }.prefix(40))
    }
}

/// The answer's body is longer than the configuration allows.
struct AnswerTooLong: Error {}
