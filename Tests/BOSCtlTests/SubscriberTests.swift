import JobModel
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("Masking the subscriber's number in texts", .timeLimit(.minutes(1)))
struct SubscriberTests {
    private static func job(_ subscriber: String) -> Job {
        .recharge(
            Recharge(
                operatorID: 1, subscriber: subscriber, amount: Money(paise: 100), reference: "r", registerID: "1", expiresAt: nil))
    }

    @Test(
        "the number is found in every usual spelling",
        arguments: ["DL12CB4685", "dl12cb4685", "DL 12 CB 4685", "DL-12-CB-4685", "D.L.1.2.C.B.4.6.8.5", "dl12 - cb4685"])
    func masksEverySpelling(spelling: String) {
        let job = Self.job("DL12CB4685")
        #expect(job.withoutSubscriber("<\(spelling)> was recharged") == "<***685> was recharged")
        #expect(job.mentionsSubscriber("it is \(spelling)."))
    }

    @Test("characters with a meaning in patterns are matched literally", arguments: ["+91(98)765", "a[b]c*d", "98765\\E43", "^98765$"])
    func matchesSpecialCharacters(subscriber: String) {
        let job = Self.job(subscriber)
        #expect(job.mentionsSubscriber("no \(subscriber) here"))
        #expect(!job.withoutSubscriber("no \(subscriber) here").contains(subscriber))
        #expect(!job.mentionsSubscriber("nothing of it"))
    }

    @Test("other numbers are not masked, and neither is a number of fewer than five characters")
    func keepsOtherNumbers() {
        #expect(Self.job("9876543210").withoutSubscriber("ack 9876543211 of 2026-11-21") == "ack 9876543211 of 2026-11-21")
        #expect(Self.job("2026").withoutSubscriber("since 2026-11-21") == "since 2026-11-21")
        #expect(Sample.job(.panStatus).withoutSubscriber("a\nb") == "a?b")
    }
}
