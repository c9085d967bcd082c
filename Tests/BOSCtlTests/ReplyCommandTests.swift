import JobModel
import Ledger
import Testing

@testable import BOSCtl

@Suite("Replies that are published again", .timeLimit(.minutes(1)))
struct ReplyCommandTests {
    private static func reply(_ number: Int, to correlationID: String, outcome: Outcome) -> ReplyRecord {
        let reply = OutgoingReply(
            id: Int64(number), messageID: "m-\(number)", recipient: ReplyRecipient(correlationID: correlationID), kind: .recharge,
            outcome: outcome, amount: Money(paise: 100), acceptedAt: Timestamp(milliseconds: 0), body: [])
        return ReplyRecord(number: number, reply, isOwed: false)
    }

    @Test("are the last final one to each recipient, or the last one to a recipient without a final one")
    func lastReplies() {
        let replies = [
            Self.reply(1, to: "a", outcome: .inDoubt), Self.reply(1, to: "b", outcome: .inDoubt),
            Self.reply(2, to: "a", outcome: .succeeded),
            Self.reply(3, to: "a", outcome: .inDoubt), Self.reply(3, to: "b", outcome: .pending),
        ]
        let last = ReplyCommand.last(of: replies)
        #expect(last.map(\.reply.recipient.correlationID) == ["a", "b"])
        #expect(last.map(\.number) == [2, 3])
        #expect(ReplyCommand.last(of: []).isEmpty)
    }
}
