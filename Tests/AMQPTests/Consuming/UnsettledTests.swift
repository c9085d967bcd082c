import Testing

@testable import AMQP

@Suite("settlements in few frames", .timeLimit(.minutes(1)))
struct UnsettledTests {
    private func outstanding(_ count: UInt64) throws -> Unsettled {
        var unsettled = Unsettled()
        for tag in 1...count { try unsettled.delivered(tag) }
        return unsettled
    }

    private func expect(_ expected: [Unsettled.Frame], from unsettled: inout Unsettled, at location: SourceLocation = #_sourceLocation) {
        let frames = unsettled.frames()
        #expect(frames == expected, sourceLocation: location)
    }

    @Test("acks without a gap before them become one frame, in whatever order they were given")
    func acksWithoutGapShareFrame() throws {
        var unsettled = try outstanding(5)
        let areKnown = [3, 1, 2].map { unsettled.settle($0, with: .ack) }
        #expect(areKnown == [true, true, true])
        expect([.ack(3, multiple: true)], from: &unsettled)
        expect([], from: &unsettled)
    }

    @Test("an ack after a gap has a frame of its own, and is not sent again when the gap closes")
    func ackAfterGapIsSentOnce() throws {
        var unsettled = try outstanding(3)
        _ = unsettled.settle(2, with: .ack)
        expect([.ack(2, multiple: false)], from: &unsettled)
        _ = unsettled.settle(1, with: .ack)
        expect([.ack(1, multiple: false)], from: &unsettled)
        _ = unsettled.settle(3, with: .ack)
        expect([.ack(3, multiple: false)], from: &unsettled)
    }

    @Test("an ack of several deliveries never covers a refused one: the refusal comes first")
    func refusalsPrecedeAcks() throws {
        var unsettled = try outstanding(4)
        _ = unsettled.settle(1, with: .ack)
        _ = unsettled.settle(3, with: .ack)
        _ = unsettled.settle(2, with: .requeue)
        _ = unsettled.settle(4, with: .reject)
        expect([.nack(2, requeue: true), .nack(4, requeue: false), .ack(3, multiple: true)], from: &unsettled)
    }

    @Test("an ack of several deliveries never covers an unsettled one")
    func acksNeverCoverUnsettled() throws {
        var unsettled = try outstanding(4)
        for tag: UInt64 in [1, 2, 4] { _ = unsettled.settle(tag, with: .ack) }
        expect([.ack(2, multiple: true), .ack(4, multiple: false)], from: &unsettled)
    }

    @Test("a delivery that was settled before, or never existed, cannot be settled")
    func deliveryIsSettledOnce() throws {
        var unsettled = try outstanding(2)
        var areKnown = [
            unsettled.settle(1, with: .reject), unsettled.settle(1, with: .ack), unsettled.settle(3, with: .ack),
            unsettled.settle(0, with: .ack),
        ]
        _ = unsettled.frames()
        areKnown.append(unsettled.settle(1, with: .ack))
        #expect(areKnown == [true, false, false, false, false])
    }

    @Test("a delivery out of order is the peer's error")
    func deliveryOutOfOrderIsError() throws {
        var unsettled = try outstanding(2)
        #expect(throws: SessionError.self) { try unsettled.delivered(2) }
        #expect(throws: SessionError.self) { try unsettled.delivered(4) }
    }
}
