import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("A person's word on one recharge", .timeLimit(.minutes(1)))
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

    /// A doubt that was sent there.
    private static func record(sentTo: String? = here, _ doubt: DoubtCause = .unanswered) -> JobRecord {
        var progress = Progress()
        (progress.state, progress.doubt, progress.sentTo, progress.firstSentAt) = (.parked, doubt, sentTo, now)
        let job = Job.recharge(
            Recharge(operatorID: 311, subscriber: "DL12CB4685", amount: Money(paise: 1_000), reference: "r-1", registerID: "1234"))
        return JobRecord(
            id: 1, job: job, fingerprint: job.fingerprint, acceptedAt: now, progress: progress, owner: nil, replyCount: 0)
    }

    /// How BOS's answer is weighed: "goes on", or the failure's name.
    private static func weighed(_ resolution: Resolution, _ event: Enquiry, _ record: JobRecord = record()) -> String {
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

    @Test("has it sent again only where BOS says that it does not know it, and the person says yes")
    func send() {
        #expect(Self.weighed(Self.resolution(.send), Self.found(.notFound)) == "goes on")
        #expect(Self.weighed(Self.resolution(.send, isConfirmed: false), Self.found(.notFound)) == "unconfirmed")
        for isAgainstBOS in [false, true] {
            for event in [
                Self.found(.succeeded), Self.found(.failed(refunded: false)), Self.found(.failed(refunded: true)), Self.found(.pending),
                .unanswered(.unanswered, retryAfter: nil), .heldBack(.credentialsRefused, retryAfter: nil), .ownCredentialsRefused,
            ] {
                #expect(Self.weighed(Self.resolution(.send, isAgainstBOS: isAgainstBOS), event) == "notDenied", "\(event)")
            }
        }
    }

    @Test("has it sent again where BOS says no and it is not known to what only against BOS: that may be a no to the question")
    func sendDeclined() {
        #expect(Self.weighed(Self.resolution(.send), Self.found(.declined)) == "notDenied")
        #expect(Self.weighed(Self.resolution(.send, isAgainstBOS: true), Self.found(.declined)) == "goes on")
        #expect(Self.weighed(Self.resolution(.send, isConfirmed: false, isAgainstBOS: true), Self.found(.declined)) == "unconfirmed")
    }

    @Test("on what was sent elsewhere needs a yes, whatever is heard here", arguments: [ResolveCommand.Word.succeeded, .failed])
    func elsewhere(word: ResolveCommand.Word) {
        let record = Self.record(sentTo: "https://former.example (auth none)")
        for finding in [RechargeMachine.Finding.succeeded, .failed(refunded: false), .pending, .notFound, .declined] {
            #expect(Self.weighed(Self.resolution(word), Self.found(finding), record) == "goes on")
            #expect(Self.weighed(Self.resolution(word, isConfirmed: false), Self.found(finding), record) == "unconfirmed")
        }
    }

    @Test("never sends again what was sent elsewhere, or what BOS has said that it knows, with any flag")
    func notToBeSent() {
        for record in [Self.record(sentTo: "https://former.example (auth none)"), Self.record(.acceptedByBOS), Self.record(.duplicate)] {
            let resolution = Self.resolution(.send, isAgainstBOS: true)
            #expect(Self.name { try resolution.check(record, lastSentAt: nil) } == "notToBeSent")
        }
        #expect(Self.name { try Self.resolution(.send).check(Self.record(), lastSentAt: nil) } == "goes on")
        #expect(Self.name { try Self.resolution(.send).check(Self.record(.refused), lastSentAt: nil) } == "goes on")
    }
}
