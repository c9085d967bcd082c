import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// `bosctl status` and `bosctl queues` beside running programs, and without them.
    @Suite struct StatusInTerminal {
        @Test("status and queues name the programs and the queues; without the worker they say so and show the ledger")
        func programs() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let (poller, http) = try system.startPoller()
                let address = http.replacing("http://", with: "")
                #expect(await eventually { try await Web.get("\(http)/readyz").status == 200 })
                let status = try await system.bosctl("status", "--poller", address)
                #expect(status.code == 0, "\(status.output)")
                #expect(status.output.contains("bos-worker ") && status.output.contains("bos-poller "), "\(status.output)")
                let queues = try await system.bosctl("queues", "--json")
                #expect(queues.code == 0, "\(queues.output)")
                let rows = try queues.output.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
                #expect(
                    rows.map { $0["queue"]?.text } == [
                        system.names.recharge, system.names.status, system.names.dead, system.names.unrouted,
                    ])
                #expect(rows[0]["consumers"]?.text == "1")
                #expect(rows[0]["ledger_owned"]?.text == "0")

                #expect(await system.stop(worker) == 0)
                try await system.upstream.publishRecharges(["waits"])
                let alone = try await system.bosctl("status", "--poller", address)
                #expect(alone.code == 1)
                #expect(alone.output.contains("bos-worker does not answer"), "\(alone.output)")
                #expect(alone.output.contains("comes from the ledger alone"), "\(alone.output)")
                let waiting = try await system.bosctl("queues")
                #expect(waiting.output.contains("no program consumes it: start bos-worker"), "\(waiting.output)")
                #expect(await system.stop(poller) == 0)
            }
        }

        @Test("--watch repeats the report until it is interrupted")
        func watch() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let log = system.folder.appendingPathComponent("watch.log")
                let watching = try ChildProcess(
                    "bosctl", arguments: ["queues", "--watch", "--every", "200ms", "--json"], environment: system.settings, log: log)
                #expect(await eventually { watching.output.split(separator: "\n").count >= 8 })
                watching.send(SIGINT)
                #expect(await watching.exitCode() == 128 + SIGINT)
                try await system.finish(worker)
            }
        }
    }
}
