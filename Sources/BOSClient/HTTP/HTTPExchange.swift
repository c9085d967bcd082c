internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
private import Synchronization

/// One request and its answer, as the delegate of the HTTP client sees them.
///
/// This type decides whether BOS may have executed a failed call; the kind of the error does not. The body carries the reference and the
/// amount, so BOS can execute nothing before a byte of the body has left. The body leaves in one place only, and the exchange records that under
/// its lock first. A call that failed without that record was certainly not executed. Once a call was reported as not sent, the same lock
/// prevents that its body leaves. So the proof does not depend on how the HTTP client works inside.
final class HTTPExchange: HTTPClientResponseDelegate {
    typealias Response = HTTPAnswer

    private struct State {
        /// The call was reported as not sent, so no byte of the body may leave any more.
        var isAbandoned = false
        /// A byte of the body may have left.
        var mayHaveBeenSent = false
        /// The caller's `isTimely` returned `false`.
        var isLate = false
        /// When the body left.
        var sentAt: NIODeadline?
        var answer = HTTPAnswer()
    }

    private let state = Mutex(State())
    private let maximumAnswerBytes: Int
    private let isTimely: (@Sendable () -> Bool)?

    /// - Parameters:
    ///   - maximumAnswerBytes: a longer body fails the call with ``AnswerTooLong``.
    ///   - isTimely: called once, directly before the body leaves. After `false` nothing leaves.
    init(maximumAnswerBytes: Int, isTimely: (@Sendable () -> Bool)? = nil) {
        self.maximumAnswerBytes = maximumAnswerBytes
        self.isTimely = isTimely
    }

    /// Whether the body did not leave because the caller's `isTimely` returned `false`.
    var isLate: Bool { state.withLock(\.isLate) }

    /// The request's body. Its bytes can leave in no other way.
    func body(_ bytes: [UInt8]) -> HTTPClient.Body {
        .stream(contentLength: Int64(bytes.count)) { writer in
            let isTimely = self.isTimely?() ?? true
            let maySend = self.state.withLock { state in
                state.isLate = !isTimely
                state.mayHaveBeenSent = isTimely && !state.isAbandoned
                if state.mayHaveBeenSent { state.sentAt = .now() }
                return state.mayHaveBeenSent
            }
            // There is no event loop here to make a failed future with, so the writer has to make one: it writes nothing, and the missing
            // bytes fail the request.
            return writer.write(.byteBuffer(maySend ? ByteBuffer(bytes: bytes) : ByteBuffer()))
        }
    }

    /// When the body left. `nil` if it has not.
    var sentAt: NIODeadline? { state.withLock(\.sentAt) }

    /// Decides, after the request has failed, whether BOS may have executed it. After `false` its body can never leave.
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
    /// The header `Content-Encoding`. `nil` if the body is the text itself. Source: RFC 9110, section 8.4.
    var encoding: String?
    var body: [UInt8] = []
}

extension HTTPHeaders {
    /// The header `Content-Encoding`, reduced to letters, hyphens and commas. Some servers name the character set here; that counts as `nil`.
    fileprivate var contentEncoding: String? {
        let plain = ["", "identity", "utf-8", "utf8", "us-ascii", "ascii"]
        let names = self[canonicalForm: "Content-Encoding"].map { $0.lowercased() }.filter { !plain.contains($0) }
        guard !names.isEmpty else { return nil }
        return String(names.joined(separator: ",").filter { ("a"..."z").contains($0) || $0 == "-" || $0 == "," }.prefix(40))
    }
}

/// The answer's body is longer than the configuration allows.
struct AnswerTooLong: Error {}
