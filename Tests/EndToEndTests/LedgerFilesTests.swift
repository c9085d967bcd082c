import BrokerKit
import Foundation
import Testing

extension EndToEnd {
    @Suite struct LedgerFiles {
        @Test("a recharge that arrives after the ledger's -wal file was removed is not sent by that worker; the next worker sends it once")
        func removedWALStopsRecharges() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["before"])
                try await system.upstream.waitForFinals(1)
                for suffix in ["-wal", "-shm"] { try FileManager.default.removeItem(atPath: system.ledger + suffix) }
                try await system.upstream.publishRecharges(["after"])
                try await system.expectNotReady(naming: system.ledger + "-wal was removed or moved")
                #expect(await eventually { worker.output.contains("consumption.paused") }, "\(worker.output)")
                worker.send(SIGKILL)
                #expect(await worker.exitCode() == 128 + SIGKILL)
                try await system.expectStartRefused()
                #expect(try await system.executions() == ["before": 1])

                try FileManager.default.removeItem(atPath: system.ledger + ".damaged")
                let successor = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["before", "after"])
                try await system.upstream.waitForFinals(2)
                #expect(await eventually { system.upstream.replies["before", default: []].count >= 2 })
                try await system.finish(successor)
                try await system.expectAllSucceeded(["before", "after"])
            }
        }

        @Test("a worker notices without a job that its ledger was moved, and no recharge is sent before the ledger is put back")
        func movedLedgerStopsRecharges() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["before"])
                try await system.upstream.waitForFinals(1)
                let place = system.folder.path + "/moved"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                let suffixes = ["", "-wal", "-shm"]
                for suffix in suffixes { try #require(rename(system.ledger + suffix, "\(place)/ledger.sqlite\(suffix)") == 0) }
                try await system.expectNotReady(naming: system.ledger + " was removed or moved")
                #expect(await eventually { worker.output.contains("consumption.paused") }, "\(worker.output)")
                // The log line comes before the consumer has ended.
                #expect(await eventually { try await system.upstream.consumers(of: system.names.recharge) == 0 })
                try await system.upstream.publishRecharges(["after"])
                #expect(try await system.upstream.depth(of: system.names.recharge) == 1)
                #expect(await system.stop(worker) == 0)
                try await system.expectStartRefused()
                #expect(try await system.executions() == ["before": 1])

                for suffix in suffixes { _ = rename("\(place)/ledger.sqlite\(suffix)", system.ledger + suffix) }
                try FileManager.default.removeItem(atPath: system.ledger + ".damaged")
                let successor = try await system.startReadyWorker()
                try await system.upstream.waitForFinals(2)
                try await system.finish(successor)
                try await system.expectAllSucceeded(["before", "after"])
            }
        }
    }
}

extension System {
    fileprivate var ledger: String { "\(folder.path)/ledger.sqlite" }

    fileprivate func expectNotReady(naming trouble: String) async throws {
        let isNamed = await eventually(within: .seconds(20)) {
            let answer = try await Web.get("\(http)/readyz")
            return answer.status == 503 && answer.text.replacing("\\/", with: "/").contains(trouble)
        }
        let answer = try await Web.get("\(http)/readyz")
        #expect(isNamed, "\(answer.status) \(answer.text)")
    }

    /// A worker does not start while the `.damaged` mark stands beside the ledger.
    fileprivate func expectStartRefused() async throws {
        let refused = try startWorker(log: "refused.log")
        #expect(await refused.exitCode() == 78)
        #expect(refused.output.contains("is marked as damaged"), "\(refused.output)")
    }
}
