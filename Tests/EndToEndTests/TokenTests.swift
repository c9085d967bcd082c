import Foundation
import Testing

extension EndToEnd {
    @Suite struct Tokens {
        @Test("a wrong token pauses consumption and fails no job, and the worker goes on as soon as the token is right")
        func wrongTokenPausesConsumption() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bos-token-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let file = folder.appendingPathComponent("token")
            try "wrong\n".write(to: file, atomically: true, encoding: .utf8)
            try await System.run(
                ["BOS_AUTH_MODE": "file", "BOS_AUTH_TOKEN_FILE": file.path], simulator: ["--require-token", "--token", "right"]
            ) { system in
                let worker = try system.startWorker()
                let references = System.references(20)
                try await system.publishAndExpectPause(references)
                try "right\n".write(to: file, atomically: true, encoding: .utf8)
                try await system.expectRecovery(of: references, by: worker)
            }
        }

        @Test("a refused signature pauses consumption until BOS accepts it again")
        func refusedSignaturePausesConsumption() async throws {
            try await System.run { system in
                try await system.setFaults(#"{"faults":[{"fault":"signature","probability":1}]}"#)
                let worker = try system.startWorker()
                let references = System.references(20)
                try await system.publishAndExpectPause(references)
                try await system.setFaults("{}")
                try await system.expectRecovery(of: references, by: worker)
            }
        }
    }
}

extension System {
    /// Publishes recharges. Expects that none is executed or answered, and that `/readyz` says why.
    fileprivate func publishAndExpectPause(_ references: [String]) async throws {
        // The worker declares the exchange before the queue. It never becomes ready here, so the test waits for the queue instead.
        try #require(await eventually { try await upstream.depth(of: names.recharge) == 0 })
        try await upstream.publishRecharges(references)
        #expect(
            await eventually {
                let answer = try await Web.get("\(http)/readyz")
                return answer.status == 503 && answer.text.contains("token")
            })
        #expect(upstream.finalCount == 0)
        #expect(try await executions().isEmpty)
    }

    fileprivate func expectRecovery(of references: [String], by worker: ChildProcess) async throws {
        try await upstream.waitForFinals(references.count)
        #expect(await isReady())
        try await finish(worker)
        try await expectAllSucceeded(references)
    }
}
