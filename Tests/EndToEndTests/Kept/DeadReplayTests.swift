import AMQP
import BrokerKit
import ExactJSON
import Foundation
import JobModel
import Testing

extension EndToEnd {
    /// Operators replay dead letters.
    @Suite struct DeadLetterReplays {
        private static let reason = ["--reason", "the shop asks for it"]

        @Test("a recharge that expired in its queue is asked about at BOS, published again, executed once, and its outcome is shown")
        func replaysExpiredRecharge() async throws {
            try await System.field { system, bos in
                try await system.declareTopology()
                try await system.expire("r-1") { $0.properties.headers["traceparent"] = .string("kept") }
                let id = try await system.letter()
                let shown = try await system.bosctl("dead", "show", id)
                for part in ["recharge r-1 of 1 rupees to ***685", "it waited in its queue", "application shop", "yes, if BOS says"] {
                    #expect(shown.output.contains(part), "\(shown.output)")
                }
                let worker = try await system.startReadyWorker()
                let asked = bos.requests(.enquiry, about: "r-1").count
                let replayed = try await system.bosctl(["dead", "replay", id] + Self.reason)
                #expect(replayed.code == 0, "\(replayed.output)")
                for part in ["BOS is asked about it now", "BOS does not know it", "is published; the letter is removed", "r-1: succeeded"] {
                    #expect(replayed.output.contains(part), "\(replayed.output)")
                }
                #expect(bos.requests(.enquiry, about: "r-1").count > asked)
                #expect(bos.executions == ["r-1": 1])
                try await system.upstream.waitForFinals(1)
                #expect(system.lastOutcome("r-1") == "succeeded")
                #expect(try await system.upstream.depth(of: system.names.dead) == 0)
                let log = try await system.bosctl("log").output
                for part in ["dead replay", "recharge r-1 (letter \(id))", "the shop asks for it", "published again"] {
                    #expect(log.contains(part), "\(log)")
                }
                #expect(!(shown.output + replayed.output + log).contains(System.subscriber))
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a recharge that the ledger has is not replayed, and the reason says how it stands")
        func leavesRechargeOfLedger() async throws {
            try await System.field { system, bos in
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["done"])
                try await system.upstream.waitForFinals(1)
                #expect(await system.stop(worker) == 0)
                try await system.store("doubt", in: .inDoubt, sentAt: .init(milliseconds: 1_790_000_000_000))
                for (reference, says) in [("done", "and it ended at"), ("doubt", "goes on with it: in doubt")] {
                    try await system.expire(reference)
                    let id = try await system.letter()
                    let refused = try await system.bosctl(["dead", "replay", id, "--although-refused"] + Self.reason)
                    #expect(refused.code == 1)
                    #expect(refused.output.replacing("\n", with: " ").contains(says), "\(refused.output)")
                    let purged = try await system.bosctl(["dead", "purge", "--id", id, "--yes"] + Self.reason)
                    #expect(purged.code == 0, "\(purged.output)")
                }
                #expect(bos.executions == ["done": 1])
                #expect(try await system.upstream.depth(of: system.names.recharge) == 0)
                // No replay was begun, so none is on record.
                #expect(try await !system.bosctl("log").output.contains("dead replay"))
            }
        }

        @Test("without BOS's word that it does not know the recharge, nothing is published")
        func asksBOSFirst() async throws {
            try await System.field { system, bos in
                try await system.declareTopology()
                try await system.expire("r-1")
                let id = try await system.letter()
                let answers: [(RawBOS.Action, code: Int32)] = [
                    (RawBOS.found("r-1", subscriber: System.subscriber, amount: "1"), 1),
                    (.json(#"{"status":false,"responsecode":99,"message":"No"}"#), 1), (.reset, 75),
                ]
                for (answer, code) in answers {
                    bos.on(.enquiry) { _ in answer }
                    let refused = try await system.bosctl(["dead", "replay", id] + Self.reason)
                    #expect(refused.code == code, "\(refused.output)")
                    #expect(refused.output.contains("BOS must say that it does not know"), "\(refused.output)")
                    #expect(!refused.output.contains(System.subscriber))
                    #expect(try await system.upstream.depth(of: system.names.dead) == 1)
                }
                #expect(try await system.upstream.depth(of: system.names.recharge) == 0)
                #expect(try await system.bosctl("log").output.matches(of: /not published/).count == 3)
            }
        }

        @Test("a refused recharge is replayed only with --although-refused, a question without BOS, and each failed replay is counted")
        func replaysAfterRefusal() async throws {
            try await System.field { system, bos in
                // Without a RegisterID in its configuration the worker refuses a recharge that has none.
                var worker = try ChildProcess(
                    "bos-worker", environment: system.settings.filter { $0.key != "BOS_API_REGISTER_ID" },
                    log: system.folder.appendingPathComponent("worker.log"))
                try #require(await system.isReady(), "\(worker.output)")
                try await system.upstream.publishRecharges(["r-1"])
                try #require(await eventually { try await system.upstream.depth(of: system.names.dead) == 1 })
                let id = try await system.letter()
                let refused = try await system.bosctl(["dead", "replay", id] + Self.reason)
                #expect(refused.code == 1)
                #expect(refused.output.contains("--although-refused"), "\(refused.output)")
                // The worker is still without its RegisterID: the letter comes back under the same id.
                let again = try await system.bosctl(["dead", "replay", id, "--although-refused", "--wait", "0s"] + Self.reason)
                #expect(again.code == 0, "\(again.output)")
                try #require(await eventually { try await system.letters().first?["replays"] == .number("1") })
                #expect(try await system.letter() == id)
                #expect(try await system.bosctl("dead", "show", id).output.contains("replayed 1 times"))
                #expect(await system.stop(worker) == 0)
                worker = try await system.startReadyWorker()
                let third = try await system.bosctl(["dead", "replay", "--all", "--although-refused", "--json"] + Self.reason)
                #expect(third.code == 0, "\(third.output)")
                #expect(third.output.contains(#""replayed":true,"state":"succeeded""#), "\(third.output)")
                #expect(bos.executions == ["r-1": 1])
                #expect(await system.stop(worker) == 0)
            }
        }

        /// Each step of a replay, in order, by the AMQP method that begins or ends it.
        private static let steps: [FrameProxy.Stop] = [
            .init(side: .program, name: "basic.publish", method: (60, 40)),
            .init(side: .broker, name: "basic.ack", method: (60, 80)),
            .init(side: .program, name: "basic.ack", method: (60, 80)),
            .init(side: .program, name: "basic.ack", method: (60, 80), passes: true),
        ]

        @Test("a replay that is killed at any step loses no job, and none is executed twice", arguments: Self.steps.indices)
        func killedReplayLosesNothing(step: Int) async throws {
            try await System.field { system, bos in
                try await system.declareTopology()
                try await system.expire("r-1")
                let id = try await system.letter()
                try await Self.kill(id, at: Self.steps[step], in: system)
                // Before its ack the letter is there again. After it the job is in its queue.
                let isAcked = Self.steps[step].passes
                #expect(await eventually { try await system.upstream.depth(of: system.names.dead) == (isAcked ? 0 : 1) })
                #expect(await eventually { try await system.upstream.depth(of: system.names.recharge) == (step == 0 ? 0 : 1) })
                // The result is on record once the ack is on its way.
                let result = step < 2 ? "no result yet" : "published again"
                #expect(try await system.bosctl("log").output.contains(result))
                // The operator repeats the command, before the worker has taken the first copy.
                let second = try await system.bosctl(["dead", "replay", id, "--wait", "0s"] + Self.reason)
                #expect(second.code == (isAcked ? 1 : 0), "\(second.output)")
                let worker = try await system.startReadyWorker()
                try await system.upstream.waitForFinals(1)
                try await system.finish(worker)
                #expect(bos.executions == ["r-1": 1])
                #expect(bos.requests(.recharge).count == 1)
                #expect(Set(system.upstream.replies["r-1", default: []].map(\.messageID)).count == 1)
                #expect(system.lastOutcome("r-1") == "succeeded")
                #expect(try await system.upstream.depth(of: system.names.dead) == 0)
            }
        }

        /// Runs a replay up to a step and kills it there.
        private static func kill(_ id: String, at stop: FrameProxy.Stop, in system: System) async throws {
            let proxy = try FrameProxy(to: system.broker.port, stop: stop)
            defer { proxy.close() }
            let url = "amqp://guest:guest@127.0.0.1:\(proxy.port)/%2f"
            let replay = try ChildProcess(
                "bosctl", arguments: ["dead", "replay", id] + reason,
                environment: system.settings.merging(["BOS_AMQP_URLS": url]) { $1 }, log: system.folder.appendingPathComponent("kill.log"))
            try #require(await eventually { proxy.hasStopped }, "\(stop): \(replay.output)")
            replay.send(SIGKILL)
            _ = await replay.exitCode()
        }

        @Test("a replay that is interrupted while BOS is asked publishes nothing and keeps the letter")
        func interruptedEnquiryChangesNothing() async throws {
            try await System.field(["BOS_API_REQUEST_TIMEOUT": "50s", "BOS_RETRY_SETTLE_WINDOW": "1h"]) { system, bos in
                try await system.declareTopology()
                try await system.expire("r-1")
                let id = try await system.letter()
                bos.on(.enquiry) { _ in .hang }
                for signal in [SIGINT, SIGTERM, SIGKILL] {
                    let heard = bos.requests(.enquiry, about: "r-1").count
                    let replay = try ChildProcess(
                        "bosctl", arguments: ["dead", "replay", id] + Self.reason, environment: system.settings,
                        log: system.folder.appendingPathComponent("asked.log"))
                    try #require(await bos.hasHeard(.enquiry, atLeast: heard + 1, about: "r-1"), "\(replay.output)")
                    replay.send(signal)
                    #expect(await replay.exitCode() == 128 + signal)
                    #expect(await eventually { try await system.upstream.depth(of: system.names.dead) == 1 })
                    #expect(try await system.upstream.depth(of: system.names.recharge) == 0)
                }
            }
        }
    }
}
