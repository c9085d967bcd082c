import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("The operator's decision on one recharge", .timeLimit(.minutes(1)))
struct ResolutionTests {
    private static let settings = Settings(for: nil)
    private static let here = settings.engineConfiguration.policy.destination
    private static let now = SystemClock().now()

    private static func resolution(
        _ word: ResolveCommand.Word, isConfirmed: Bool = true, isAgainstBOS: Bool = false
    ) -> Resolution {
        Resolution(
            word: word, reason: "seen on the statement", isConfirmed: isConfirmed, isAgainstBOS: isAgainstBOS, isInsideWindow: true,
            settings: settings, console: Console(isJSON: false))
    }

    /// A recharge in doubt that was sent to this destination.
    private static func record(sentTo: String? = here, doubt: DoubtCause = .unanswered) -> JobRecord {
        var progress = Progress()
        (progress.state, progress.doubt, progress.sentTo, progress.firstSentAt) = (.parked, doubt, sentTo, now)
        let job = Job.recharge(
            Recharge(operatorID: 311, subscriber: "DL12CB4685", amount: Money(paise: 1_000), reference: "r-1", registerID: "1234"))
        return JobRecord(
            id: 1, job: job, fingerprint: job.fingerprint, acceptedAt: now, progress: progress, owner: nil, replyCount: 0)
    }

    /// The result of weighing BOS's answer: "goes on", or the name of the failure.
    private static func weighed(_ resolution: Resolution, event: Enquiry, record: JobRecord = record()) -> String {
        name { try resolution.weigh(CallReport(event, note: "RechargesStatus: scripted"), about: record) }
    }

    private static func name(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "goes on"
        } catch let failure as CommandFailure {
            return String("\(Mirror(reflecting: failure).children.first?.label ?? "\(failure)")")
        } catch {
            return "\(error)"
        }
    }

    private static func found(_ finding: RechargeMachine.Finding) -> Enquiry {
        .found(finding, Answer(httpStatus: 200), Subject(reference: "r-1", subscriber: "DL12CB4685", amount: "10", hasData: true))
    }

    @Test("sends it again only if BOS does not know it and the operator confirms")
    func sendNeedsNotFoundAndConfirmation() {
        #expect(Self.weighed(Self.resolution(.send), event: Self.found(.notFound)) == "goes on")
        #expect(Self.weighed(Self.resolution(.send, isConfirmed: false), event: Self.found(.notFound)) == "unconfirmed")
        for isAgainstBOS in [false, true] {
            for event in [
                Self.found(.succeeded), Self.found(.failed(refunded: false)), Self.found(.failed(refunded: true)), Self.found(.pending),
                .unanswered(.unanswered, retryAfter: nil), .deferred(.credentialsRefused, retryAfter: nil), .ownCredentialsRefused,
            ] {
                #expect(Self.weighed(Self.resolution(.send, isAgainstBOS: isAgainstBOS), event: event) == "notDenied", "\(event)")
            }
        }
    }

    @Test("sends it again after an ambiguous refusal only with the flag against BOS, because BOS may have refused the enquiry itself")
    func sendAfterAmbiguousRefusal() {
        #expect(Self.weighed(Self.resolution(.send), event: Self.found(.declined)) == "notDenied")
        #expect(Self.weighed(Self.resolution(.send, isAgainstBOS: true), event: Self.found(.declined)) == "goes on")
        #expect(Self.weighed(Self.resolution(.send, isConfirmed: false, isAgainstBOS: true), event: Self.found(.declined)) == "unconfirmed")
    }

    @Test(
        "needs a confirmation if the recharge was sent to another API, whatever this API answers",
        arguments: [ResolveCommand.Word.succeeded, .failed])
    func sentElsewhereNeedsConfirmation(word: ResolveCommand.Word) {
        let record = Self.record(sentTo: "https://former.example (auth none)")
        for finding in [RechargeMachine.Finding.succeeded, .failed(refunded: false), .pending, .notFound, .declined] {
            #expect(Self.weighed(Self.resolution(word), event: Self.found(finding), record: record) == "goes on")
            #expect(Self.weighed(Self.resolution(word, isConfirmed: false), event: Self.found(finding), record: record) == "unconfirmed")
        }
    }

    @Test("never sends it again if it was sent to another API or BOS knows it, with any flag")
    func neverSentAgain() {
        for record in [
            Self.record(sentTo: "https://former.example (auth none)"), Self.record(doubt: .acceptedByBOS), Self.record(doubt: .duplicate),
        ] {
            let resolution = Self.resolution(.send, isAgainstBOS: true)
            #expect(Self.name { try resolution.check(record, lastSentAt: nil) } == "notToBeSent")
        }
        #expect(Self.name { try Self.resolution(.send).check(Self.record(), lastSentAt: nil) } == "goes on")
        #expect(Self.name { try Self.resolution(.send).check(Self.record(doubt: .refused), lastSentAt: nil) } == "goes on")
    }
}
