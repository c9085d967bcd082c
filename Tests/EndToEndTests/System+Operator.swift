import ExactJSON
import Foundation
import JobModel
import Ledger
import LedgerSQLite
import Testing

extension System {
    /// Runs `bosctl` to its end, with nobody at a terminal.
    func bosctl(_ arguments: [String], _ more: [String: String] = [:]) async throws -> (code: Int32, output: String) {
        // As behind sudo, so that the history names a person that no test runs as.
        let own = settings.merging(["SUDO_USER": "asha"]) { $1 }.merging(more) { $1 }
        let process = try ChildProcess(
            "bosctl", arguments, environment: own, log: folder.appendingPathComponent("bosctl-\(UUID().uuidString).log"))
        return (await process.exitCode(), process.output)
    }

    func bosctl(_ arguments: String...) async throws -> (code: Int32, output: String) { try await bosctl(arguments) }

    /// Publishes a recharge and returns once it is in doubt and waits in the ledger.
    func makeDoubt(_ reference: String) async throws {
        try await upstream.publishRecharges([reference])
        try #require(await eventually { upstream.replies[reference]?.first?.outcome == "in_doubt" }, "\(reference) is not in doubt")
    }

    /// Puts a doubt into the ledger as a worker would have left it. No worker may be running.
    func store(_ reference: String, _ state: JobState, sentAt: Timestamp, dueAt: Timestamp? = nil, ledger name: String = "ledger.sqlite")
        async throws
    {
        let recharge = Recharge(
            operatorID: 311, subscriber: Self.subscriber, amount: Money(paise: 100), reference: reference, registerID: "1234")
        var progress = Progress()
        (progress.state, progress.attempts, progress.doubt, progress.firstSentAt) = (.sending, 1, nil, sentAt)
        let ledger = try await SQLiteLedger.open(.init(path: "\(folder.path)/\(name)", owner: "test"))
        let result = try await ledger.claim(
            Claim(
                job: .recharge(recharge), fingerprint: Array(reference.utf8),
                asker: Asker(correlationID: reference, replyTo: upstream.address), owner: "test#1", now: sentAt, progress: progress,
                entry: HistoryEntry(at: sentAt, .accepted)))
        guard case .new(let record, _) = result else { throw LedgerError.closed }
        (progress.state, progress.doubt, progress.told, progress.dueAt) = (state, .acceptedByBOS, "in_doubt", dueAt)
        _ = try await ledger.update(
            Update(
                jobID: record.id, owner: "test#1", progress: progress, keepsOwnership: false,
                entry: HistoryEntry(at: sentAt, .waiting, "BOS has it, says \(Self.subscriber)")))
        await ledger.close()
    }

    /// There is one final reply, and it says this.
    func expectFinal(_ reference: String, _ outcome: String, evidence: String, error: String?) throws {
        let finals = upstream.replies[reference, default: []].filter(\.isFinal)
        #expect(Set(finals.map(\.messageID)).count == 1)
        let reply = try JSONValue.parse(try #require(finals.first).body)
        #expect(reply["outcome"]?.text == outcome)
        #expect(reply["evidence"]?.text == evidence)
        let failure = reply["error"]?["code"]?.text.map { "\($0): \(reply["error"]?["detail"]?.text ?? "")" }
        #expect(failure == error)
    }
}
