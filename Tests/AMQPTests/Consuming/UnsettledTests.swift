import Testing

@testable import AMQP

@Suite("settlements in few frames", .timeLimit(.minutes(1)))
struct UnsettledTests {
    private func outstanding(_ count: UInt64) throws -> Unsettled {
        var unsettled = Unsettled()
        for tag in 1...count { try unsettled.delivered(tag) }
        return unsettled
    }

    private func expect(_ unsettled: inout Unsettled, _ expected: [Unsettled.Frame], at location: SourceLocation = #_sourceLocation) {
        let frames = unsettled.frames()
        #expect(frames == expected, sourceLocation: location)
    }

    @Test("acks without a gap before them become one frame, whatever their order")
    func run() throws {
        var unsettled = try outstanding(5)
        let areKnown = [3, 1, 2].map { unsettled.settle($0, .ack) }
        #expect(areKnown == [true, true, true])
        expect(&unsettled, [.ack(3, multiple: true)])
        expect(&unsettled, [])
    }

    @Test("an ack after a gap goes alone, and is not told again when the gap closes")
    func gap() throws {
        var unsettled = try outstanding(3)
        _ = unsettled.settle(2, .ack)
        expect(&unsettled, [.ack(2, multiple: false)])
        _ = unsettled.settle(1, .ack)
        expect(&unsettled, [.ack(1, multiple: false)])
        _ = unsettled.settle(3, .ack)
        expect(&unsettled, [.ack(3, multiple: false)])
    }

    @Test("an ack of many never covers a delivery that is refused: the refusal goes first")
    func refusals() throws {
        var unsettled = try outstanding(4)
        _ = unsettled.settle(1, .ack)
        _ = unsettled.settle(3, .ack)
        _ = unsettled.settle(2, .requeue)
        _ = unsettled.settle(4, .reject)
        expect(&unsettled, [.nack(2, requeue: true), .nack(4, requeue: false), .ack(3, multiple: true)])
    }

    @Test("an ack of many never covers a delivery that is still running")
    func running() throws {
        var unsettled = try outstanding(4)
        for tag: UInt64 in [1, 2, 4] { _ = unsettled.settle(tag, .ack) }
        expect(&unsettled, [.ack(2, multiple: true), .ack(4, multiple: false)])
    }

    @Test("what was settled before, or never delivered, is not settled again")
    func twice() throws {
        var unsettled = try outstanding(2)
        var areKnown = [unsettled.settle(1, .reject), unsettled.settle(1, .ack), unsettled.settle(3, .ack), unsettled.settle(0, .ack)]
        _ = unsettled.frames()
        areKnown.append(unsettled.settle(1, .ack))
        #expect(areKnown == [true, false, false, false, false])
    }

    @Test("a delivery out of order is the peer's error")
    func order() throws {
        var unsettled = try outstanding(2)
        #expect(throws: SessionError.self) { try unsettled.delivered(2) }
        #expect(throws: SessionError.self) { try unsettled.delivered(4) }
    }
}
