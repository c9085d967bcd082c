import ExactJSON
import Foundation
import JobModel
import Ledger
import LedgerSQLite
import Testing

extension EndToEnd {
    /// What operators do about doubts with `bosctl` while a worker runs.
    @Suite struct Operators {
        /// A recharge whose answer is lost stays in doubt for hours, because the next enquiry is due much later.
        private static let doubtful = [
            "BOS_API_REQUEST_TIMEOUT": "1s", "BOS_RETRY_SETTLE_WINDOW": "1h", "BOS_RETRY_ENQUIRY_INITIAL_BACKOFF": "10m",
            "BOS_RETRY_ENQUIRY_MAXIMUM_BACKOFF": "1h",
        ]
        // Answers of this shape name no recharge. So BOS has to execute none before the worker can tell one from another.
        private static let lost = ["--shape", "page", "--fault", "DoRecharge/answerLost=1"]
        /// Enquiries fail, and the next one is due many minutes later.
        private static let silent = ["--fault", "RechargesStatus/serverError=1"]
        private static let unknownToBOS = lost + ["--fault", "blindEnquiry:3600=1"]

        @Test("a doubt is shown without the subscriber's number, a person resolves it once, and its upstream gets the final reply")
        func personResolvesDoubtOnce() async throws {
            try await System.run(Self.doubtful, simulator: Self.unknownToBOS) { system in
                let worker = try await system.startReadyWorker()
                try await system.makeDoubt("doubt-1")
                let doubts = try await system.bosctl("doubts")
                #expect(doubts.code == 0)
                for part in ["doubt-1", "no usable answer came", "in_doubt", "1 in doubt, 1 rupees"] {
                    #expect(doubts.output.contains(part), "\(doubts.output)")
                }
                let job = try await system.bosctl("job", "doubt-1")
                #expect(job.code == 0)
                for part in ["recharge doubt-1: in doubt", "1 rupees to ***685", "in doubt, asks BOS", "it waits in the ledger"] {
                    #expect(job.output.contains(part), "\(job.output)")
                }
                let named = try await system.bosctl(["resolve", "doubt-1", "--failed", "--reason", "not for \(System.subscriber)", "--yes"])
                #expect(named.code == 64)
                #expect(named.output.contains("holds the subscriber's number"), "\(named.output)")
                let resolve = ["resolve", "doubt-1", "--succeeded", "--reason", "seen on the statement"]
                let unconfirmed = try await system.bosctl(resolve)
                #expect(unconfirmed.code == 1)
                #expect(unconfirmed.output.contains("BOS says: it does not know the reference"), "\(unconfirmed.output)")
                #expect(unconfirmed.output.contains("nothing was changed"), "\(unconfirmed.output)")
                #expect(try await system.ledgerSummary().stored == [.init(.recharge, in: .inDoubt): 1])

                let resolved = try await system.bosctl(resolve + ["--yes"])
                #expect(resolved.code == 0, "\(resolved.output)")
                try await system.upstream.waitForFinals(1)
                try system.expectFinal("doubt-1", outcome: "succeeded", evidence: "operator", error: nil)
                let again = try await system.bosctl(["resolve", "doubt-1", "--failed", "--reason", "on second thoughts", "--yes"])
                #expect(again.code == 1)
                #expect(again.output.contains("ended at"), "\(again.output)")
                let history = try await system.bosctl("job", "doubt-1")
                for part in ["resolved by a person", "asha as", "seen on the statement", "BOS says: it does not know the reference"] {
                    #expect(history.output.contains(part), "\(history.output)")
                }
                #expect(try await system.bosctl("doubts").output.contains("No recharge is in doubt or held."))
                #expect(!(doubts.output + job.output + named.output + resolved.output + history.output).contains(System.subscriber))
                try await system.finish(worker)
                try await system.expectAllSucceeded(["doubt-1"])
            }
        }

        @Test("resolve is refused when BOS contradicts the person, and retry makes the worker enquire at once")
        func contradictedResolveIsRefused() async throws {
            try await System.run(Self.doubtful, simulator: Self.lost + Self.silent) { system in
                let worker = try await system.startReadyWorker()
                let (poller, _) = try system.startPoller()
                try await system.makeDoubt("doubt-1")
                try await system.setFaults("{}")
                let early = try await system.bosctl(["resolve", "doubt-1", "--failed", "--reason", "I think so", "--yes"])
                #expect(early.code == 1)
                #expect(early.output.contains("the request may still be executed"), "\(early.output)")
                let contradicted = try await system.bosctl([
                    "resolve", "doubt-1", "--failed", "--inside-window", "--reason", "I think so", "--yes",
                ])
                #expect(contradicted.code == 1)
                #expect(contradicted.output.contains("BOS contradicts you"), "\(contradicted.output)")
                #expect(try await system.ledgerSummary().stored == [.init(.recharge, in: .inDoubt): 1])

                let retried = try await system.bosctl("retry", "doubt-1", "--reason", "BOS is back")
                #expect(retried.code == 0, "\(retried.output)")
                try await system.upstream.waitForFinals(1)
                try system.expectFinal("doubt-1", outcome: "succeeded", evidence: "enquiry", error: nil)
                #expect(try await system.bosctl("job", "doubt-1").output.contains("due at once, requested by asha as"))
                let over = try await system.bosctl("retry", "doubt-1", "--reason", "BOS is back")
                #expect(over.code == 1)
                #expect(over.output.contains("ended at"), "\(over.output)")
                let unknown = try await system.bosctl("retry", "doubt-2", "--reason", "BOS is back")
                #expect(unknown.output.contains("has no recharge, recharge.status, pan.status"), "\(unknown.output)")
                #expect(await system.stop(poller) == 0)
                try await system.finish(worker)
                try await system.expectAllSucceeded(["doubt-1"])
            }
        }

        @Test("--against-bos resolves a doubt although BOS says the opposite, and the history keeps both")
        func againstBOSResolves() async throws {
            try await System.run(Self.doubtful, simulator: Self.lost + Self.silent) { system in
                let worker = try await system.startReadyWorker()
                try await system.makeDoubt("doubt-1")
                try await system.setFaults("{}")
                let resolved = try await system.bosctl([
                    "resolve", "doubt-1", "--failed", "--inside-window", "--reason", "refunded by hand", "--against-bos",
                ])
                #expect(resolved.code == 0, "\(resolved.output)")
                try await system.upstream.waitForFinals(1)
                try system.expectFinal("doubt-1", outcome: "failed", evidence: "operator", error: "resolved_by_operator: refunded by hand")
                let history = try await system.bosctl("job", "doubt-1").output
                #expect(history.contains("BOS says: it was executed (against it, --against-bos)"), "\(history)")
                try await system.finish(worker)
            }
        }

        @Test("the oldest doubt is listed first; a parked one is enquired about once more on retry and then resolved by a person")
        func parkedDoubtIsRetriedAndResolved() async throws {
            try await System.run(Self.doubtful) { system in
                let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
                try await system.store("young", in: .inDoubt, sentAt: now + .seconds(-7_230), dueAt: now + .seconds(1_230))
                try await system.store("old", in: .parked, sentAt: now + .seconds(-3 * 86_400 - 30))
                let doubts = try await system.bosctl("doubts").output.split(separator: "\n")
                try #require(doubts.count == 4, "\(doubts)")
                #expect(doubts[1].hasPrefix("old ") && doubts[1].contains(" 3 d ") && doubts[1].contains("a person"), "\(doubts)")
                #expect(doubts[2].hasPrefix("young ") && doubts[2].contains(" 2 h ") && doubts[2].contains("in 20 min"), "\(doubts)")
                #expect(doubts[3] == "2 in doubt, 2 rupees, 1 of them left to a person")
                #expect(!doubts.joined().contains(System.subscriber) && doubts[1].contains("says ***685"), "\(doubts)")
                #expect(try await system.bosctl("doubts", "--limit", "1").output.contains("the first 1 of them shown"))

                let retried = try await system.bosctl("retry", "old", "--reason", "BOS is back")
                #expect(retried.code == 0, "\(retried.output)")
                let worker = try await system.startReadyWorker()
                let (poller, http) = try system.startPoller()
                // BOS does not know the recharge, and it is still too old, so worker and poller park it again.
                try #require(await eventually { try await system.ledgerSummary().stored[.init(.recharge, in: .parked)] == 1 })
                let history = try await system.bosctl("job", "old").output
                #expect(await hasRequeued(1, of: "recharge", at: http))
                // Once by the retry, and once by the worker after the poller had requeued it.
                #expect(history.matches(of: /taken up again/).count == 2, "\(history)")
                for part in ["from parked to in_doubt", "asks BOS", "left to a person: nothing more happens"] {
                    #expect(history.contains(part), "\(history)")
                }
                let resolved = try await system.bosctl(["resolve", "old", "--failed", "--reason", "never arrived", "--yes"])
                #expect(resolved.code == 0, "\(resolved.output)")
                try await system.upstream.waitForFinals(1)
                try system.expectFinal("old", outcome: "failed", evidence: "operator", error: "resolved_by_operator: never arrived")
                #expect(try await system.executions().isEmpty)
                #expect(await system.stop(poller) == 0)
                try await system.finish(worker)
            }
        }

        @Test("a final reply that bosctl cannot publish without a broker stays owed, and the next worker publishes it")
        func replyWithoutBrokerStaysOwed() async throws {
            try await System.run(Self.doubtful, simulator: Self.unknownToBOS) { system in
                var worker = try await system.startReadyWorker()
                try await system.makeDoubt("doubt-1")
                #expect(await system.stop(worker) == 0)
                let resolved = try await system.bosctl(
                    ["resolve", "doubt-1", "--failed", "--inside-window", "--reason", "not on the statement", "--yes"],
                    environment: ["BOS_AMQP_URLS": "amqp://guest:guest@127.0.0.1:1/%2f"])
                #expect(resolved.code == 75, "\(resolved.output)")
                #expect(resolved.output.contains("or at its next start"), "\(resolved.output)")
                #expect(try await system.ledgerSummary().unpublishedReplies == 1)
                #expect(system.upstream.finalCount == 0)
                worker = try system.startWorker()
                try await system.upstream.waitForFinals(1)
                try system.expectFinal(
                    "doubt-1", outcome: "failed", evidence: "operator", error: "resolved_by_operator: not on the statement")
                try await system.finish(worker)
                #expect(try await system.ledgerSummary().unpublishedReplies == 0)
            }
        }

        @Test("a repeated purchase is held under its new reference, and a person has it sent or refused")
        func repeatedPurchaseIsHeld() async throws {
            let guarded = ["BOS_JOBS_RECHARGE_DUPLICATE_WINDOW": "10m", "BOS_JOBS_RECHARGE_DUPLICATE_ACTION": "park"]
            try await System.run(guarded) { system in
                let worker = try await system.startReadyWorker()
                let (poller, _) = try system.startPoller()
                try await system.upstream.publishRecharges(["first"])
                try await system.upstream.waitForFinals(1)
                for reference in ["meant", "mistaken"] {
                    try await system.upstream.publishRecharges([reference])
                    try #require(await eventually { system.upstream.replies[reference]?.first?.outcome == "pending" }, "\(reference)")
                }
                let doubts = try await system.bosctl("doubts").output
                for part in ["meant", "mistaken", "a person", "0 in doubt, 0 rupees; 2 never sent, held for a person"] {
                    #expect(doubts.contains(part), "\(doubts)")
                }
                #expect(try await system.bosctl("job", "meant").output.contains("held; same purchase as recharge first"))
                let wrong = try await system.bosctl(["resolve", "mistaken", "--succeeded", "--reason", "seen", "--yes"])
                #expect(wrong.code == 1)
                #expect(wrong.output.contains("never sent, so it cannot have succeeded"), "\(wrong.output)")
                let refused = try await system.bosctl(["resolve", "mistaken", "--failed", "--reason", "one was enough", "--yes"])
                #expect(refused.code == 0, "\(refused.output)")
                #expect(refused.output.contains("is resolved as refused"), "\(refused.output)")
                let unsent = try await system.bosctl("retry", "meant", "--reason", "the customer wants it twice")
                #expect(unsent.code == 1)
                #expect(unsent.output.contains("meant, 1 rupees, is held and was never sent: add --send"), "\(unsent.output)")
                let sent = try await system.bosctl("retry", "meant", "--send", "--reason", "the customer wants it twice")
                #expect(sent.code == 0, "\(sent.output)")
                #expect(sent.output.contains("is due now to be sent to BOS: 1 rupees"), "\(sent.output)")
                try await system.upstream.waitForFinals(3)
                try system.expectFinal("mistaken", outcome: "refused", evidence: "operator", error: "resolved_by_operator: one was enough")
                #expect(await system.stop(poller) == 0)
                try await system.finish(worker)
                #expect(try await system.executions() == ["first": 1, "meant": 1])
            }
        }

        @Test("bosctl changes no job that the worker is working on")
        func ownedJobIsNotChanged() async throws {
            try await System.run(["BOS_API_REQUEST_TIMEOUT": "50s", "BOS_RETRY_SETTLE_WINDOW": "1h"], simulator: Self.lost) { system in
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["owned-1"])
                try #require(await eventually { try await system.executions()["owned-1"] == 1 })
                for command in [["retry", "owned-1"], ["resolve", "owned-1", "--failed", "--yes"]] {
                    let result = try await system.bosctl(command + ["--reason", "too slow"])
                    #expect(result.code == 75)
                    #expect(result.output.contains("the worker is working on recharge owned-1 now"), "\(result.output)")
                }
                #expect(try await system.ledgerSummary().stored == [.init(.recharge, in: .sending): 1])
                worker.send(SIGKILL)
                _ = await worker.exitCode()
            }
        }

        @Test("a pending PAN application is listed, and retry has it checked at once")
        func pendingApplicationIsRetried() async throws {
            try await System.run(["BOS_POLLER_PAN_FIRST_CHECK_AFTER": "1h"], simulator: ["--fault", "panPending:1=1"]) { system in
                let worker = try await system.startReadyWorker()
                let (poller, _) = try system.startPoller()
                try await system.upstream.publish(Array(#"{"refid":"pan-1"}"#.utf8), as: "pan-1", kind: "pan.status")
                try #require(await eventually { system.upstream.replies["pan-1"]?.first?.outcome == "pending" })
                let pending = try await system.bosctl("pending")
                #expect(pending.code == 0)
                #expect(pending.output.contains("pan-1") && pending.output.contains("1 pending"), "\(pending.output)")
                #expect(try await system.bosctl("retry", "pan-1", "--reason", "the customer waits").code == 0)
                try await system.upstream.waitForFinals(1)
                #expect(system.upstream.replies["pan-1"]?.last?.outcome == "succeeded")
                #expect(try await system.bosctl("pending").output.contains("No PAN application is pending."))
                #expect(await system.stop(poller) == 0)
                try await system.finish(worker)
            }
        }
    }
}

extension System {
    /// Runs `bosctl` to its end, without a terminal.
    func bosctl(_ arguments: [String], environment more: [String: String] = [:]) async throws -> (code: Int32, output: String) {
        let process = try startBosctl(arguments, environment: more)
        return (await process.exitCode(), process.output)
    }

    /// Starts `bosctl` without a terminal.
    func startBosctl(_ arguments: [String], environment more: [String: String] = [:]) throws -> ChildProcess {
        // bosctl takes the name from sudo. The history then names a person under whom no test runs.
        let own = settings.merging(["SUDO_USER": "asha"]) { $1 }.merging(more) { $1 }
        return try ChildProcess(
            "bosctl", arguments: arguments, environment: own, log: folder.appendingPathComponent("bosctl-\(UUID().uuidString).log"))
    }

    func bosctl(_ arguments: String...) async throws -> (code: Int32, output: String) { try await bosctl(arguments) }

    /// Publishes a recharge and returns once it is in doubt and waits in the ledger.
    fileprivate func makeDoubt(_ reference: String) async throws {
        try await upstream.publishRecharges([reference])
        try #require(await eventually { upstream.replies[reference]?.first?.outcome == "in_doubt" }, "\(reference) is not in doubt")
    }

    /// Stores a doubt in the ledger as a worker would have left it. No worker may be running.
    func store(_ reference: String, in state: JobState, sentAt: Timestamp, dueAt: Timestamp? = nil) async throws {
        let recharge = Recharge(
            operatorID: 311, subscriber: Self.subscriber, amount: Money(paise: 100), reference: reference, registerID: "1234")
        var progress = Progress()
        (progress.state, progress.attempts, progress.doubt, progress.firstSentAt) = (.sending, 1, nil, sentAt)
        let ledger = try await SQLiteLedger.open(.init(path: "\(folder.path)/ledger.sqlite", owner: "test"))
        let result = try await ledger.claim(
            Claim(
                job: .recharge(recharge), fingerprint: Array(reference.utf8),
                recipient: ReplyRecipient(correlationID: reference, replyTo: upstream.address), owner: "test#1", now: sentAt,
                progress: progress,
                entry: HistoryEntry(at: sentAt, .accepted)))
        guard case .new(let record, _) = result else { throw LedgerError.closed }
        (progress.state, progress.doubt, progress.reported, progress.dueAt) = (state, .acceptedByBOS, "in_doubt", dueAt)
        _ = try await ledger.update(
            Update(
                jobID: record.id, owner: "test#1", progress: progress, keepsOwnership: false,
                entry: HistoryEntry(at: sentAt, .waiting, detail: "BOS has it, says \(Self.subscriber)")))
        await ledger.close()
    }

    /// Expects exactly one final reply with this outcome, evidence and error.
    fileprivate func expectFinal(_ reference: String, outcome: String, evidence: String, error: String?) throws {
        let finals = upstream.replies[reference, default: []].filter(\.isFinal)
        #expect(Set(finals.map(\.messageID)).count == 1)
        let reply = try JSONValue.parse(try #require(finals.first).body)
        #expect(reply["outcome"]?.text == outcome)
        #expect(reply["evidence"]?.text == evidence)
        let failure = reply["error"]?["code"]?.text.map { "\($0): \(reply["error"]?["detail"]?.text ?? "")" }
        #expect(failure == error)
    }
}
