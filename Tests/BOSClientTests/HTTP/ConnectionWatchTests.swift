import JobModel
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import BOSClient

/// Tests the watch without the HTTP codec, which finds many of the same faults.
@Suite("The watch over a connection")
struct ConnectionWatchTests {
    private let losses = Counter()

    /// A watched connection that the test drives.
    private struct Wire {
        let channel = EmbeddedChannel()

        init(_ trust: ConnectionTrust, isForRecharges: Bool = true) throws {
            let socket = FlushOnce()
            let watch = ConnectionWatch(trust, isForRecharges: isForRecharges, idleTimeout: .seconds(2), socket: socket)
            try channel.pipeline.syncOperations.addHandlers([socket, watch])
            channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        }

        /// Sends the head of a request.
        func ask() {
            channel.write(HTTPClientRequestPart.head(HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")), promise: nil)
        }

        /// Delivers these parts, as if one read had brought them.
        func receive(_ parts: [HTTPClientResponsePart]) {
            for part in parts { channel.pipeline.fireChannelRead(part) }
            channel.pipeline.fireChannelReadComplete()
        }

        /// The next part that the watch has passed on.
        func next() throws -> HTTPClientResponsePart? { try channel.readInbound(as: HTTPClientResponsePart.self) }

        /// Whether the next part is a head that closes the connection; `nil` if it is not a head.
        func nextCloses() throws -> Bool? {
            guard case .head(let head)? = try next() else { return nil }
            return head.headers["Connection"] == ["close"]
        }
    }

    private var trust: ConnectionTrust { ConnectionTrust { [losses] in _ = losses.next() } }

    private static func head(_ status: HTTPResponseStatus) -> HTTPClientResponsePart {
        .head(HTTPResponseHead(version: .http1_1, status: status))
    }

    private static func answer(_ body: String = #"{"ackno":"7"}"#) -> [HTTPClientResponsePart] {
        [head(.ok), .body(ByteBuffer(string: body)), .end(nil)]
    }

    @Test("bytes after an answer, or before any request, lose the trust")
    func unaskedBytesLoseTrust() throws {
        let behind = try Wire(trust)
        behind.ask()
        behind.receive(Self.answer() + Self.answer())
        #expect(losses.last == 1)
        try Wire(trust).receive(Self.answer())
        #expect(losses.last == 2)
    }

    @Test("an interim head is passed on at once and does not count as the answer")
    func interimHeadIsNotTheAnswer() throws {
        let wire = try Wire(trust)
        wire.ask()
        wire.receive([Self.head(.processing)])
        #expect(try wire.next() == Self.head(.processing))
        wire.receive(Self.answer())
        #expect(try wire.nextCloses() == true)
        #expect(losses.last == 0)
    }

    @Test("a connection for questions is used for one call, even while those for recharges are kept")
    func questionConnectionsServeOneCall() throws {
        let trust = trust
        trust.earn()
        for isForRecharges in [true, false] {
            let wire = try Wire(trust, isForRecharges: isForRecharges)
            wire.ask()
            wire.receive(Self.answer())
            #expect(try wire.nextCloses() == !isForRecharges)
        }
    }

    @Test("an answer that is too long to be held is passed on as it arrives")
    func longAnswerIsPassedOn() throws {
        let wire = try Wire(trust)
        wire.ask()
        wire.receive([Self.head(.ok), .body(ByteBuffer(repeating: 0x20, count: 131_073))])
        #expect(try wire.nextCloses() == true)
        #expect(try wire.next() != nil)
    }

    @Test("a connection is watched after a success, and closed at once after any other answer", arguments: [true, false])
    func watchesAfterSuccessOnly(isSuccess: Bool) throws {
        let wire = try Wire(trust)
        wire.ask()
        wire.receive(Self.answer(isSuccess ? #"{"ackno":"7"}"# : #"{"status":false}"#))
        wire.channel.close(promise: nil)
        #expect(wire.channel.isActive == isSuccess)
        wire.channel.embeddedEventLoop.advanceTime(by: .milliseconds(250))
        #expect(!wire.channel.isActive)
    }
}
