import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// Queues that an operator holds with `bosctl pause`.
    @Suite struct Holds {
        private static let why = ["--reason", "BOS asks for it"]

        @Test("50 recharges that come while recharges are held wait, also beside a new worker; after the hold each is executed once")
        func heldRechargesWait() async throws {
            try await System.run { system in
                var worker = try await system.startReadyWorker()
                let (poller, _) = try system.startPoller()
                let paused = try await system.bosctl(["pause", "recharges"] + Self.why)
                #expect(paused.code == 0, "\(paused.output)")
                #expect(paused.output.contains("recharges are held by asha as"), "\(paused.output)")
                try await expectHeld(system)
                #expect(!System.lines(of: worker, with: "consumption.paused", "\"lane\":\"money\"", "BOS asks for it").isEmpty)

                let references = System.references(50)
                try await system.upstream.publishRecharges(references)
                try await expectNoneTaken(50, by: system, question: "q-1")
                #expect(await system.stop(worker) == 0)
                worker = try system.startWorker(log: "second.log")
                #expect(await eventually { !System.lines(of: worker, with: "worker.ready").isEmpty }, "\(worker.output)")
                try await expectHeld(system)
                try await expectNoneTaken(50, by: system, question: "q-2")
                #expect(System.lines(of: worker, with: "consumer.started", system.names.recharge).isEmpty, "\(worker.output)")

                let resumed = try await system.bosctl(["resume", "recharges", "--reason", "BOS is done"])
                #expect(resumed.code == 0, "\(resumed.output)")
                try await system.upstream.waitForFinals(52)
                #expect(await system.stop(poller) == 0)
                try await system.finish(worker)
                #expect(try await system.executions() == Dictionary(uniqueKeysWithValues: references.map { ($0, 1) }))
                #expect(try await system.repeats() == 0)
                #expect(!System.lines(of: worker, with: "consumption.hold_ended").isEmpty)
            }
        }

        @Test("a hold replaces the earlier one, only a hold can be ended, and each command is on record")
        func holdsAreOnRecord() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let none = try await system.bosctl(["resume", "questions"] + Self.why)
                #expect(none.code == 1)
                #expect(none.output.contains("no operator holds questions; nothing was changed"), "\(none.output)")
                #expect(try await system.bosctl("pause", "questions", "--reason", "first").code == 0)
                let second = try await system.bosctl("pause", "questions", "--reason", "second")
                #expect(second.output.contains("This replaces an earlier hold: held by asha as"), "\(second.output)")
                #expect(await eventually { try await Web.get("\(system.http)/readyz").text.contains("second") })
                try await system.upstream.publishRecharges(["r-1"])
                try await system.upstream.waitForFinals(1)
                #expect(try await system.bosctl("resume", "questions", "--reason", "third").code == 0)
                #expect(await system.isReady())
                let log = try await system.bosctl("log").output.split(separator: "\n").dropFirst()
                #expect(log.count == 3, "\(log)")
                let expected = [["resume questions", "third", "the hold ended"], ["second", "replaces"], ["first", "held"]]
                for (line, parts) in zip(log, expected) {
                    for part in parts + ["asha as", system.names.status] { #expect(line.contains(part), "\(line)") }
                }
                try await system.finish(worker)
            }
        }

        @Test("what a person has sent while recharges are held is stored, is not sent before the hold has ended, and bosctl says so")
        func sendingWaitsForTheEnd() async throws {
            let guarded = [
                "BOS_JOBS_RECHARGE_DUPLICATE_WINDOW": "10m", "BOS_JOBS_RECHARGE_DUPLICATE_ACTION": "park",
                "BOS_POLLER_PAN_FIRST_CHECK_AFTER": "1s",
            ]
            try await System.run(guarded, simulator: ["--fault", "panPending:1=1"]) { system in
                let worker = try await system.startReadyWorker()
                let (poller, pages) = try system.startPoller()
                try await system.upstream.publishRecharges(["first"])
                try await system.upstream.waitForFinals(1)
                try await system.upstream.publishRecharges(["meant"])
                try #require(await eventually { system.lastOutcome("meant") == "pending" })
                #expect(try await system.bosctl(["pause", "recharges"] + Self.why).code == 0)
                let sent = try await system.bosctl("retry", "meant", "--send", "--reason", "the customer wants it twice")
                #expect(sent.code == 0, "\(sent.output)")
                #expect(sent.output.contains("It does not go on before `bosctl resume recharges`, because recharges are held by asha as"))
                try await expectHeld(system)
                // A question that goes through the poller shows that the poller has looked for due jobs after the command.
                try await system.upstream.publish(Array(#"{"refid":"pan-1"}"#.utf8), as: "pan-1", kind: "pan.status")
                #expect(await hasRequeued(1, of: "pan.status", at: pages))
                #expect(try await system.upstream.depth(of: system.names.recharge) == 0)
                #expect(try await system.executions() == ["first": 1])
                #expect(try await system.bosctl("resume", "recharges", "--reason", "BOS is done").code == 0)
                #expect(await eventually { system.lastOutcome("meant") == "succeeded" })
                #expect(await system.stop(poller) == 0)
                #expect(await system.stop(worker) == 0)
                #expect(try await system.executions() == ["first": 1, "meant": 1])
            }
        }

        /// Expects that readiness, status, metrics and the queue's consumers show the hold of recharges.
        private func expectHeld(_ system: System) async throws {
            #expect(await eventually { try await Web.get("\(system.http)/readyz").text.contains("paused (operator): held by asha as") })
            let ready = try await Web.get("\(system.http)/readyz")
            #expect(ready.status == 503 && ready.text.contains(": BOS asks for it"), "\(ready.text)")
            let status = try await Web.get("\(system.http)/api/status").json?["holds"]
            guard case .array(let holds)? = status, holds.count == 1 else {
                Issue.record("the status shows no hold, or several")
                return
            }
            #expect(holds[0]["lane"]?.text == "money" && holds[0]["reason"]?.text == "BOS asks for it", "\(holds)")
            #expect(holds[0]["user"]?.text?.hasPrefix("asha as") == true && holds[0]["since"]?.text?.hasPrefix("20") == true, "\(holds)")
            let metrics = try await Web.get("\(system.http)/metrics").text
            #expect(metrics.contains("bos_consumption_paused{lane=\"money\",reason=\"operator\"} 1\n"))
            #expect(metrics.contains("bos_consumption_paused{lane=\"questions\",reason=\"operator\"} 0\n"))
            #expect(await eventually { try await system.upstream.consumers(of: system.names.recharge) == 0 })
        }

        /// Expects that the worker answers a question meanwhile, and that it has taken none of these recharges.
        private func expectNoneTaken(_ count: Int, by system: System, question: String) async throws {
            try await system.upstream.publish(
                Array(#"{"referenceid":"unknown"}"#.utf8), as: question, kind: "recharge.status")
            #expect(await eventually { system.upstream.replies[question]?.last?.isFinal == true })
            #expect(try await system.upstream.depth(of: system.names.recharge) == count)
            #expect(try await system.executions().isEmpty)
            #expect(try await system.callsReceived("DoRecharge") ?? 0 == 0)
        }
    }
}
