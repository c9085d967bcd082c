import Testing

@testable import BOSClient

@Suite("Trust in connections")
struct ConnectionTrustTests {
    @Test("as many connections are watched as silences are needed, and one that ends early does not count as silence")
    func watchesAsManyAsNeeded() {
        let trust = ConnectionTrust {}
        for _ in 0..<ConnectionTrust.silencesNeeded { #expect(trust.mayListen()) }
        #expect(!trust.mayListen())
        for _ in 0..<ConnectionTrust.silencesNeeded { trust.stoppedListening() }
        #expect(!trust.isEarned)
        for number in 0..<ConnectionTrust.silencesNeeded {
            #expect(trust.mayListen())
            trust.heardSilence(after: [UInt8(number)])
        }
        #expect(trust.isEarned && trust.hasUniqueMarks)
        #expect(!trust.mayListen())
    }

    @Test("an unasked answer is reported once, and trust is never earned again")
    func lostTrustIsNeverEarnedAgain() {
        let losses = Counter()
        let trust = ConnectionTrust { _ = losses.next() }
        trust.earn()
        for _ in 0..<2 { trust.lose() }
        #expect(losses.last == 1)
        #expect(!trust.isEarned && !trust.mayListen())
    }
}

extension ConnectionTrust {
    /// Reports as many successes as are needed, each followed by silence and with an acknowledgement of its own.
    func earn() {
        for number in 0..<Self.silencesNeeded where mayListen() { heardSilence(after: [UInt8(number)]) }
    }
}
