import Foundation
import JobModel
import Testing

extension EndToEnd {
    @Suite struct BOSOutage {
        /// The ways in which BOS fails.
        enum Ending: String, CaseIterable, CustomTestStringConvertible {
            case refusesConnections
            case neverAnswers
            case answers500

            var testDescription: String { rawValue }

            /// The simulator's fault for every call; `nil` if the simulator itself is ended.
            var fault: String? {
                switch self {
                case .refusesConnections: nil
                case .neverAnswers: "hang"
                case .answers500: "serverError"
                }
            }
        }

        @Test(
            "while BOS fails, recharges stay in their queue and few calls are made; the worker goes on by itself when BOS works again",
            arguments: Ending.allCases)
        func rechargesWaitWhileBOSFails(_ ending: Ending) async throws {
            let settings = [
                "BOS_BREAKER_PROBE_INTERVAL": "500ms", "BOS_BREAKER_MAXIMUM_PROBE_INTERVAL": "1s", "BOS_POLLER_INTERVAL": "100ms",
                "BOS_API_REQUEST_TIMEOUT": "2s",
            ]
            try await System.run(settings) { system in
                let worker = try await system.startReadyWorker()
                let (poller, _) = try system.startPoller()
                try await begin(ending, in: system)
                let references = System.references(300)
                try await system.upstream.publishRecharges(references)
                try await expectRechargesWait(during: ending, in: system)
                let mended = try await end(ending, in: system)
                defer { mended?.send(SIGKILL) }
                #expect(await system.isReady())
                try await system.upstream.waitForFinals(references.count)
                try await system.finish(worker)
                #expect(await system.stop(poller) == 0)
                try await system.expectAllSucceeded(references)
            }
        }

        /// The worker pauses consumption and probes BOS repeatedly. It sends no further recharge and publishes no final reply.
        private func expectRechargesWait(during ending: Ending, in system: System) async throws {
            let pause = "\(system.names.recharge) paused (bos)"
            try #require(await eventually { try await Web.get("\(system.http)/readyz").text.contains(pause) })
            try #require(await eventually { try await system.upstream.depth(of: system.names.recharge) > 100 })
            try #require(await eventually { try await system.upstream.consumers(of: system.names.recharge) == 0 })
            let probed = try await system.callsMade("RechargesStatus") + 4
            try #require(await eventually { try await system.callsMade("RechargesStatus") >= probed })
            #expect(try await Web.get("\(system.http)/metrics").text.firstMatch(of: /bos_breaker_state [12]\n/) != nil)
            #expect(try await system.upstream.depth(of: system.names.recharge) > 100)
            #expect(try await system.upstream.consumers(of: system.names.recharge) == 0)
            // One call for each job that was in flight when the breaker opened, and none for the two hundred behind them.
            let made = try await system.callsMade("DoRecharge")
            #expect((1...100).contains(made))
            if ending != .refusesConnections {
                #expect(try await system.callsReceived("DoRecharge") == system.callsMade("DoRecharge", without: "not_sent"))
                #expect(try await system.executions().isEmpty)
            }
            #expect(system.upstream.finalCount == 0)
        }

        private func begin(_ ending: Ending, in system: System) async throws {
            if let fault = ending.fault { return try await system.setFaults(#"{"faults":[{"fault":"\#(fault)","probability":1}]}"#) }
            system.simulator?.send(SIGKILL)
            _ = await system.simulator?.exitCode()
        }

        /// Makes BOS work again. Returns the new simulator if the first was ended. Its empty books are right, because the first had executed
        /// nothing.
        private func end(_ ending: Ending, in system: System) async throws -> ChildProcess? {
            if ending == .refusesConnections { return try await system.startSimulatorAgain() }
            try await system.setFaults("{}")
            return nil
        }
    }
}
