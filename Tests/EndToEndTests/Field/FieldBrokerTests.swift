import AMQP
import BrokerKit
import Foundation
import JobModel
import Ledger
import Testing

extension EndToEnd {
    /// Objects that others remove from the broker, and virtual hosts of another ledger.
    @Suite struct FieldBroker {
        @Test(
            "the worker notices queues that a policy with expires removes, names them at /readyz and declares them again with their bindings; lock and marker stay",
            arguments: ["classic", "quorum"])
        func expiredQueuesAreDeclaredAgain(type: String) async throws {
            try await System.field(["BOS_AMQP_QUEUE_TYPE": type]) { system, bos in
                let names = system.names
                async let policy = system.broker.ctl(
                    "set_policy", names.prefix, "^\(names.prefix)\\.", #"{"expires":1000}"#, "--apply-to", "queues")
                let worker = try await system.startReadyWorker()
                _ = try await policy
                #expect(await system.readinessNames([names.dead, names.unrouted]), "\(worker.output)")
                // A queue with a consumer does not expire.
                #expect(try await system.upstream.consumers(of: names.ledger) == 1)
                #expect(try await system.upstream.isHeldByAnother(names.lock))
                try await system.broker.ctl("clear_policy", names.prefix)
                // The policy may have removed the queues once more. The test waits for the queue that is declared last. The bindings
                // come before it.
                #expect(await eventually { try await system.upstream.depth(of: names.unrouted) == 0 })
                #expect(await eventually { try await system.upstream.depth(of: names.dead) == 0 })
                #expect(await system.isReady())
                try await system.upstream.publish(Upstream.recharge("unheard"), as: "unheard", replyTo: "service-that-is-gone")
                try await system.upstream.publish([], as: "dead")
                for queue in [names.dead, names.unrouted] {
                    #expect(await eventually { try await system.upstream.depth(of: queue) == 1 }, "\(queue)")
                }
                #expect(bos.executions == ["unheard": 1])
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test(
            "the worker declares a deleted lock and marker again and names them at /readyz; a worker with another ledger is refused throughout"
        )
        func deletedLockAndMarkerAreDeclaredAgain() async throws {
            try await System.field { system, bos in
                let worker = try await system.startReadyWorker()
                let names = system.names
                async let areNamed = system.readinessNames([names.lock, names.ledger])
                for queue in [names.lock, names.ledger] { try await system.broker.ctl("delete_queue", queue) }
                let other = "\(system.folder.path)/other.sqlite"
                let beside = try system.startSecondWorker(ledger: other)
                #expect(await areNamed, "\(worker.output)")
                #expect(await eventually { try await system.upstream.consumers(of: names.ledger) == 1 })
                #expect(await system.isReady())
                try await system.upstream.publishRecharges(["r-1"])
                #expect(await eventually { system.lastOutcome("r-1") == "succeeded" })
                #expect(await beside.exitCode() == 78)
                #expect(beside.output.contains("another worker is consuming"), "\(beside.output)")
                #expect(await system.stop(worker) == 0)
                let after = try system.startWorker(["BOS_LEDGER_URL": "sqlite:\(other)"], log: "after.log")
                #expect(await after.exitCode(within: .seconds(8)) == 78)
                #expect(after.output.contains("are recorded in another ledger"), "\(after.output)")
                #expect(bos.executions == ["r-1": 1])
            }
        }

        @Test("bosctl resolve and bos-poller publish nothing to a virtual host of another ledger")
        func nothingIsPublishedForAnotherLedger() async throws {
            try await System.field { system, bos in
                bos.on(.enquiry, perform: RawBOS.blind)
                let worker = try await system.startReadyWorker(["BOS_LEDGER_URL": "sqlite:\(system.folder.path)/other.sqlite"])
                let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
                for reference in ["doubt-1", "doubt-2"] {
                    try await system.store(reference, in: .inDoubt, sentAt: now + .seconds(-60), dueAt: now + .seconds(-30))
                }
                let (poller, _) = try system.startPoller()
                #expect(await poller.exitCode(within: .seconds(10)) == 78)
                #expect(poller.output.contains("another ledger"), "\(poller.output)")
                // The poller has leased both doubts for a while. A lease does not keep a person from resolving one.
                let resolve = ["resolve", "doubt-1", "--failed", "--reason", "not on the statement", "--yes"]
                let resolved = try await system.bosctl(resolve)
                #expect(resolved.code == 75, "\(resolved.output)")
                #expect(resolved.output.contains("another ledger"), "\(resolved.output)")
                #expect(await system.stop(worker) == 0)
                #expect(system.upstream.replies.isEmpty)
                #expect(try await system.upstream.depth(of: system.names.dead) == 0)
                #expect(try await system.upstream.depth(of: system.names.status) == 0)
                #expect(try await system.ledgerSummary().unpublishedReplies == 1, "the ledger's own worker owes it")
                #expect(bos.requests(.enquiry, about: "doubt-2").isEmpty)
            }
        }

        @Test("a due doubt is requeued however many questions of upstreams are ready in its queue")
        func doubtIsRequeuedBehindQuestions() async throws {
            try await System.field(["BOS_POLLER_QUEUE_LIMIT": "5"]) { system, bos in
                let first = try await system.startReadyWorker()
                #expect(await system.stop(first) == 0)
                for number in 1...20 {
                    try await system.upstream.publish(
                        Array(#"{"referenceid":"q-\#(number)"}"#.utf8), as: "q-\(number)", kind: "recharge.status")
                }
                let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
                try await system.store("doubt-1", in: .inDoubt, sentAt: now + .seconds(-60), dueAt: now + .seconds(-30))
                let (poller, http) = try system.startPoller()
                #expect(await hasRequeued(1, of: "recharge", at: http, within: .seconds(10)))
                #expect(try await system.upstream.depth(of: system.names.status) == 21)
                #expect(await system.stop(poller) == 0)
                #expect(bos.requests(.enquiry).isEmpty)
            }
        }
    }
}

extension System {
    /// Whether `/readyz` answers 503 and names each of the queues as gone, at the same time or one after the other.
    fileprivate func readinessNames(_ queues: Set<String>) async -> Bool {
        var unnamed = queues
        return await eventually {
            let answer = try await Web.get("\(http)/readyz")
            if answer.status == 503 { unnamed = unnamed.filter { !answer.text.contains("queue \($0): it was gone") } }
            return unnamed.isEmpty
        }
    }
}
