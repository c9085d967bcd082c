import AMQP
import BrokerKit
import Foundation
import JobModel
import Ledger
import Testing

extension EndToEnd {
    /// What others remove from the broker, and whose virtual host it is.
    @Suite struct FieldBroker {
        @Test("queues that a tidy-up policy removes are noticed, named by readyz, and declared again with their bindings")
        func tidiedUp() async throws {
            try await System.field { system, bos in
                let names = system.names
                async let policy = system.broker.ctl(
                    "set_policy", names.prefix, "^\(names.prefix)\\.(dead|unrouted|lock|ledger)$", #"{"expires":1000}"#, "--apply-to",
                    "queues")
                let worker = try await system.startReadyWorker()
                _ = try await policy
                #expect(
                    await eventually(within: .seconds(20)) {
                        let answer = try await Web.get("\(system.http)/readyz")
                        return answer.status == 503 && [names.dead, names.unrouted].contains(where: answer.text.contains)
                    })
                // A queue with a consumer does not expire.
                try await system.broker.ctl("clear_policy", names.prefix)
                #expect(try await system.upstream.consumers(of: names.ledger) == 1)
                #expect(await system.isReady())
                try await system.upstream.publish(Upstream.recharge("unheard"), as: "unheard", replyTo: "service-that-is-gone")
                try await system.upstream.publish([], as: "dead")
                #expect(await eventually { try await system.upstream.depth(of: names.unrouted) == 1 })
                #expect(await eventually { try await system.upstream.depth(of: names.dead) == 1 })
                #expect(bos.executions == ["unheard": 1])
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a marker that is deleted is declared again, and a worker with another ledger is refused throughout")
        func deletedMarker() async throws {
            try await System.field { system, bos in
                let worker = try await system.startReadyWorker()
                try await system.broker.ctl("delete_queue", system.names.ledger)
                #expect(await eventually(within: .seconds(15)) { try await system.upstream.consumers(of: system.names.ledger) == 1 })
                #expect(await system.isReady())
                try await system.upstream.publishRecharges(["r-1"])
                #expect(await eventually { system.lastOutcome("r-1") == "succeeded" })
                #expect(await system.stop(worker) == 0)
                let other = try system.startWorker(
                    ["BOS_LEDGER_URL": "sqlite:\(system.folder.path)/other.sqlite"], log: "other.log")
                #expect(await other.exitCode(within: .seconds(8)) == 78)
                #expect(other.output.contains("are recorded in another ledger"), "\(other.output)")
                #expect(bos.executions == ["r-1": 1])
            }
        }

        @Test("bosctl resolve and bos-poller publish nothing to a virtual host of another ledger")
        func anotherLedger() async throws {
            try await System.field { system, bos in
                bos.on(.enquiry, RawBOS.blind)
                let worker = try await system.startReadyWorker(["BOS_LEDGER_URL": "sqlite:\(system.folder.path)/other.sqlite"])
                let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
                for reference in ["doubt-1", "doubt-2"] {
                    try await system.store(reference, .inDoubt, sentAt: now + .seconds(-60), dueAt: now + .seconds(-30))
                }
                let (poller, _) = try system.startPoller()
                #expect(await poller.exitCode(within: .seconds(10)) == 78)
                #expect(poller.output.contains("another ledger"), "\(poller.output)")
                // The poller keeps from the ledger what it has leased for a while; a person is not kept from it.
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

        @Test("a doubt that is due is put back on its queue however many questions of upstreams are ready there")
        func behindQuestions() async throws {
            try await System.field(["BOS_POLLER_QUEUE_LIMIT": "5"]) { system, bos in
                let first = try await system.startReadyWorker()
                #expect(await system.stop(first) == 0)
                for number in 1...20 {
                    try await system.upstream.publish(
                        Array(#"{"referenceid":"q-\#(number)"}"#.utf8), as: "q-\(number)", kind: "recharge.status")
                }
                let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
                try await system.store("doubt-1", .inDoubt, sentAt: now + .seconds(-60), dueAt: now + .seconds(-30))
                let (poller, http) = try system.startPoller()
                #expect(await hasRequeued(1, "recharge", at: http, within: .seconds(10)))
                #expect(try await system.upstream.depth(of: system.names.status) == 21)
                #expect(await system.stop(poller) == 0)
                #expect(bos.requests(.enquiry).isEmpty)
            }
        }
    }
}
