import Foundation
import JobModel
import Ledger
import Testing

extension EndToEnd {
    /// A ledger is copied while it is used, lost, and restored.
    @Suite struct Restoring {
        @Test("after the loss of a ledger nothing is sent twice that was sent after its copy was made; its callers learn how it ended")
        func nothingIsSentTwice() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["before"])
                try await system.upstream.waitForFinals(1)
                let copy = system.folder.path + "/copy.sqlite"
                let backup = try await system.bosctl("ledger", "backup", copy)
                #expect(backup.code == 0, "\(backup.output)")
                #expect(backup.output.contains("1 jobs, 0 recharges open"), "\(backup.output)")
                try await system.upstream.publishRecharges(["after"])
                try await system.upstream.waitForFinals(2)
                try await system.finish(worker)
                for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: system.ledger + suffix) }

                let asLedger = try system.startWorker(["BOS_LEDGER_URL": "sqlite:\(copy)"], log: "refused.log")
                #expect(await asLedger.exitCode() == 78)
                #expect(asLedger.output.contains("no worker or poller works with a copy"), "\(asLedger.output)")
                let unconfirmed = try await system.bosctl("ledger", "restore", copy, "--reason", "the disk is lost")
                #expect(unconfirmed.code == 1)
                #expect(!FileManager.default.fileExists(atPath: system.ledger))
                let restored = try await system.bosctl("ledger", "restore", copy, "--reason", "the disk is lost", "--yes")
                #expect(restored.code == 0, "\(restored.output)")
                let refused = try system.startWorker(log: "refused.log")
                #expect(await refused.exitCode() == 78)
                #expect(refused.output.contains("are recorded in another ledger"), "\(refused.output)")

                try await system.onBroker { try await $0.delete(queue: system.names.ledger) }
                let successor = try await system.startReadyWorker()
                let (poller, _) = try system.startPoller()
                #expect(successor.output.contains("ledger.restored"), "\(successor.output)")
                // The upstream has lost its reply, and publishes the recharge again. Another one was never executed.
                try await system.upstream.publishRecharges(["after", "new"])
                #expect(await eventually { system.upstream.replies["after", default: []].count(where: \.isFinal) == 2 })
                #expect(system.upstream.replies["after"]?.map(\.outcome) == ["succeeded", "succeeded"])
                #expect(await eventually { try await system.ledgerSummary().stored[.init(.recharge, in: .parked)] == 1 })
                #expect(try await system.executions() == ["before": 1, "after": 1])
                #expect(try await system.repeats() == 0)

                let finished = try await system.bosctl("ledger", "restore", "--finish", "--reason", "all upstreams are through", "--yes")
                #expect(finished.code == 0, "\(finished.output)")
                #expect(await eventually { try await system.sendsUnknownRecharge() })
                let sent = try await system.bosctl([
                    "resolve", "new", "--send", "--inside-window", "--reason", "not on the statement", "--yes",
                ])
                #expect(sent.code == 0, "\(sent.output)")
                #expect(await eventually { try await system.executions()["new"] == 1 })
                let log = try await system.bosctl("log").output
                for part in ["ledger restore --finish", "the disk is lost", "all upstreams are through"] {
                    #expect(log.contains(part), "\(log)")
                }
                #expect(try await system.bosctl("ledger", "verify").code == 0)
                #expect(await system.stop(poller) == 0)
                try await system.finish(successor)
            }
        }

        @Test("the copy and its check answer programs in JSON")
        func json() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["a", "b"])
                try await system.upstream.waitForFinals(2)
                let backup = try await system.bosctl("ledger", "backup", system.folder.path + "/copy.sqlite", "--json")
                #expect(backup.output.contains(#""jobs":2,"open_recharges":0"#), "\(backup.output)")
                let verify = try await system.bosctl("ledger", "verify", "--json")
                #expect(verify.code == 0)
                #expect(verify.output.split(separator: "\n").count == 8, "\(verify.output)")
                #expect(verify.output.split(separator: "\n").allSatisfy { $0.contains(#""ok":true,"problems":[]"#) })
                let again = try await system.bosctl("ledger", "backup", system.folder.path + "/copy.sqlite")
                #expect(again.code == 1)
                #expect(again.output.contains("exists already"), "\(again.output)")
                let nothing = try await system.bosctl("ledger", "restore", "--finish", "--reason", "by mistake", "--yes")
                #expect(nothing.code == 1)
                #expect(nothing.output.contains("is not being restored"), "\(nothing.output)")
                try await system.finish(worker)
            }
        }
    }
}

extension System {
    fileprivate var ledger: String { "\(folder.path)/ledger.sqlite" }

    /// Whether the worker has learned that the restoring has ended: a recharge under a new reference is executed.
    fileprivate func sendsUnknownRecharge() async throws -> Bool {
        let reference = "later-\(UInt32.random(in: .min ... .max))"
        try await upstream.publishRecharges([reference])
        return await eventually(within: .seconds(2)) { try await executions()[reference] == 1 }
    }
}
