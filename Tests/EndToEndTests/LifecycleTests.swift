import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    @Suite struct Lifecycle {
        @Test("after SIGTERM the worker finishes the jobs in flight, leaves the others in the queue and exits with 0")
        func sigtermDrains() async throws {
            try await System.run(simulator: ["--latency", "200ms-400ms"]) { system in
                let references = System.references(400)
                var worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(references)
                try await system.upstream.waitForFinals(1)
                #expect(await system.stop(worker) == 0)
                let left = try await system.upstream.depth(of: system.names.recharge)
                #expect(left > 0, "no job was left in the queue, so the test shows nothing")
                // The executed jobs are the answered jobs: none was cut off.
                let answered = references.count - left
                try await system.upstream.waitForFinals(answered)
                #expect(try await system.executions().count == answered)
                worker = try system.startWorker()
                try await system.upstream.waitForFinals(references.count)
                try await system.finish(worker)
                try await system.expectAllSucceeded(references)
            }
        }

        @Test("a wrong configuration ends with 78 and names key, source and remedy; a wrong option ends with 64")
        func wrongConfigurationIsNamed() async throws {
            try await System.run { system in
                let wrong = try system.startWorker(["BOS_API_REQUEST_TIMEOUT": "soon"], log: "wrong.log")
                #expect(await wrong.exitCode() == 78)
                #expect(wrong.output.contains("api.requestTimeout (environment variable BOS_API_REQUEST_TIMEOUT)"), "\(wrong.output)")
                let usage = try system.startWorker(arguments: ["--api.requestTimout=3s"], log: "usage.log")
                #expect(await usage.exitCode() == 64)
                #expect(usage.output.contains("did you mean --api.requestTimeout?"), "\(usage.output)")
            }
        }

        @Test("requests to /readyz and /api/status write nothing to the ledger")
        func healthPagesCommitNothing() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                func commits() async throws -> Int {
                    let metrics = try await Web.get("\(system.http)/metrics").text
                    let line = metrics.split(separator: "\n").first { $0.hasPrefix("bos_ledger_commit_rows_count ") }
                    return try #require(line?.split(separator: " ").last.flatMap { Int($0) })
                }
                try #require(await eventually { (try? await commits()) != nil })
                let before = try await commits()
                for _ in 0..<300 {
                    #expect(try await Web.get("\(system.http)/readyz").status == 200)
                    #expect(try await Web.get("\(system.http)/api/status").status == 200)
                }
                // The sampler commits every few seconds.
                #expect(try await commits() - before < 100)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("without a terminal each log line is one JSON object, and no line holds a subscriber's number")
        func logLinesAreJSONWithoutNumbers() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker(["BOS_LOG_LEVEL": "debug"])
                try await system.upstream.publishRecharges(["one", "two"])
                try await system.upstream.publish(Upstream.recharge("one", amount: "2"), as: "conflict")
                try await system.upstream.publish(Array(#"{"operator":1,"canumber":"\#(System.subscriber)"}"#.utf8), as: "bad")
                try await system.upstream.waitForFinals(4)
                #expect(await system.stop(worker) == 0)
                let lines = worker.output.split(separator: "\n")
                #expect(lines.count > 5)
                for line in lines {
                    let json = try? JSONValue.parse(Array(line.utf8))
                    #expect(json?["level"] != nil && json?["message"] != nil && json?["ts"] != nil, "\(line)")
                }
                #expect(!worker.output.contains(System.subscriber))
            }
        }
    }
}
