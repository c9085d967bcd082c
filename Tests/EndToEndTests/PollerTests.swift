import BrokerKit
import ExactJSON
import Foundation
import JobModel
import Ledger
import Testing

extension EndToEnd {
    @Suite struct Poller {
        @Test("a PAN application that is pending for five checks is requeued five times; one that never ends is answered with expired")
        func pendingApplicationIsRequeued() async throws {
            let settings = [
                "BOS_POLLER_PAN_FIRST_CHECK_AFTER": "1s", "BOS_POLLER_PAN_MAXIMUM_INTERVAL": "1s", "BOS_POLLER_PAN_MAXIMUM_AGE": "15s",
                "BOS_POLLER_INTERVAL": "100ms",
            ]
            try await System.run(settings) { system in
                let worker = try await system.startReadyWorker()
                let (poller, http) = try system.startPoller()
                #expect(await eventually { try await Web.get("\(http)/readyz").status == 200 }, "\(poller.output)")
                try await system.setFaults(#"{"faults":[{"fault":"panPending","probability":1,"value":5}]}"#)
                try await system.upstream.publish(Array(#"{"refid":"p-1"}"#.utf8), as: "p-1", kind: "pan.status")
                try await system.upstream.waitForFinals(1)
                #expect(await hasRequeued(5, of: "pan.status", at: http))
                try await system.setFaults(#"{"faults":[{"fault":"panPending","probability":1,"value":86400}]}"#)
                try await system.upstream.publish(Array(#"{"refid":"p-2"}"#.utf8), as: "p-2", kind: "pan.status")
                try await system.upstream.waitForFinals(2)
                let replies = system.upstream.replies
                #expect(replies["p-1"]?.map(\.outcome) == ["pending", "succeeded"])
                #expect(replies["p-2"]?.map(\.outcome) == ["pending", "expired"])
                #expect(await system.stop(poller) == 0)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("jobs that became due while no poller ran are requeued once, and no faster than the queue has room")
        func overdueJobsAreRequeuedOnce() async throws {
            let settings = [
                "BOS_POLLER_PAN_FIRST_CHECK_AFTER": "1s", "BOS_POLLER_PAN_MAXIMUM_INTERVAL": "1h", "BOS_POLLER_INTERVAL": "100ms",
                "BOS_POLLER_QUEUE_LIMIT": "5",
            ]
            try await System.run(settings) { system in
                let worker = try await system.startReadyWorker()
                try await system.setFaults(#"{"faults":[{"fault":"panPending","probability":1,"value":1}]}"#)
                let names = (1...30).map { "p-\($0)" }
                for name in names { try await system.upstream.publish(Array("{\"refid\":\"\(name)\"}".utf8), as: name, kind: "pan.status") }
                #expect(await eventually { system.upstream.replies.count == names.count })
                #expect(await system.stop(worker) == 0)
                let waiting = try await system.pendingApplications()
                #expect(waiting.count == names.count)
                let lastDue = try #require(waiting.compactMap(\.progress.dueAt).max())
                #expect(await eventually { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) > lastDue })
                // There is no consumer: the poller fills the queue up to its limit and waits.
                let (poller, http) = try system.startPoller()
                #expect(await eventually { try await system.upstream.depth(of: system.names.status) == 5 })
                #expect(await eventually { try await Web.get("\(http)/readyz").status == 200 })
                #expect(await hasRequeued(5, of: "pan.status", at: http))
                #expect(try await system.upstream.depth(of: system.names.status) == 5)
                let next = try await system.startReadyWorker()
                try await system.upstream.waitForFinals(names.count)
                #expect(await hasRequeued(30, of: "pan.status", at: http))
                for name in names { #expect(system.upstream.replies[name]?.map(\.outcome) == ["pending", "succeeded"]) }
                #expect(await system.stop(poller) == 0)
                #expect(await system.stop(next) == 0)
            }
        }

        @Test("when everything fails at once, every job ends, none is executed twice, and every reply agrees with BOS's books")
        func everyFaultAtOnce() async throws {
            let settings = [
                "BOS_POLLER_INTERVAL": "100ms", "BOS_BREAKER_PROBE_INTERVAL": "200ms", "BOS_BREAKER_MAXIMUM_PROBE_INTERVAL": "1s",
                "BOS_POLLER_PAN_FIRST_CHECK_AFTER": "1s", "BOS_POLLER_PAN_MAXIMUM_INTERVAL": "2s", "BOS_RETRY_MAXIMUM_BACKOFF": "1s",
                "BOS_API_REQUEST_TIMEOUT": "2s", "BOS_RETRY_SETTLE_WINDOW": "12s", "BOS_RETRY_ENQUIRY_INITIAL_BACKOFF": "3s",
                "BOS_RETRY_ENQUIRY_MAXIMUM_BACKOFF": "10s",
            ]
            try await TestBroker.run { broker in
                let simulator = ["--latency", "1ms-50ms", "--seed", "\(Scale.seed)"]
                try await System.run(settings, simulator: simulator, broker: broker) { system in
                    try await system.setFaults(Self.everything)
                    let references = System.references(Scale.stormJobs)
                    let applications = (1...max(1, Scale.stormJobs / 10)).map { "pan-\($0)" }
                    let programs = (try await system.startReadyWorker(), try system.startPoller().0)
                    try await system.upstream.publishRecharges(references)
                    for name in applications {
                        try await system.upstream.publish(Array("{\"refid\":\"\(name)\"}".utf8), as: name, kind: "pan.status")
                    }
                    async let outages: Void = endBroker(broker, of: system, jobs: references.count)
                    let (worker, poller) = try await kill(programs, in: system, jobs: references.count)
                    try await outages
                    try await system.setFaults("{}")
                    try await system.upstream.waitForFinals(references.count + applications.count)
                    try await system.finish(worker)
                    #expect(await system.stop(poller) == 0)
                    try await expectAgreement(in: system, about: references)
                }
            }
        }

        /// Kills worker and poller repeatedly while the first third of the jobs is answered. Returns the two that run at the end.
        private func kill(
            _ programs: (ChildProcess, ChildProcess), in system: System, jobs: Int
        ) async throws -> (worker: ChildProcess, poller: ChildProcess) {
            var (worker, poller) = programs
            for kill in 1...Scale.crashes {
                let moment = jobs * kill / (Scale.crashes * 3)
                #expect(await eventually(within: .seconds(120)) { system.upstream.finalCount >= moment })
                worker.send(SIGKILL)
                poller.send(SIGKILL)
                _ = await (worker.exitCode(), poller.exitCode())
                worker = try system.startWorker()
                (poller, _) = try system.startPoller()
            }
            return (worker, poller)
        }

        /// Ends the broker and starts it again. The first time it is shut down while the programs are being killed. After that it is
        /// killed, as by a power cut, while the programs run.
        private func endBroker(_ broker: TestBroker, of system: System, jobs: Int) async throws {
            for outage in 0..<Scale.stormOutages {
                let moment = jobs * (outage * 2 + 1) / 6
                #expect(await eventually(within: .seconds(300)) { system.upstream.finalCount >= moment })
                try await (outage == 0 ? BrokerOutage.shutDown : BrokerOutage.kill)(broker)
                try await broker.restart()
            }
        }

        private static let everything = """
            {"faults":[{"fault":"refuse","probability":0.02,"endpoint":"DoRecharge"},{"fault":"tooMany","probability":0.03},\
            {"fault":"serverError","probability":0.05},{"fault":"garbage","probability":0.02},{"fault":"resetBefore","probability":0.03},\
            {"fault":"resetAfter","probability":0.03},{"fault":"answerLost","probability":0.02},{"fault":"hang","probability":0.01},\
            {"fault":"late","probability":0.02,"value":3},{"fault":"blindEnquiry","probability":0.1,"value":2},\
            {"fault":"pendingThenDone","probability":0.1,"value":3},{"fault":"panPending","probability":0.5,"value":2},\
            {"fault":"panRejected","probability":0.2},{"fault":"authentication","probability":0.003},{"fault":"signature","probability":0.003}]}
            """

        private func expectAgreement(in system: System, about references: [String]) async throws {
            let executions = try await system.executions()
            let replies = system.upstream.replies
            for reference in references {
                let finals = replies[reference, default: []].filter(\.isFinal)
                #expect(Set(finals.map(\.body)).count == 1, "\(reference) has final replies that differ")
                #expect(
                    executions[reference, default: 0] == (finals.first?.outcome == "succeeded" ? 1 : 0),
                    "\(reference) was executed \(executions[reference, default: 0]) times and answered \(finals.map(\.outcome))")
                for open in replies[reference, default: []].filter({ !$0.isFinal }) {
                    // Only a recharge that was sent can be in doubt, and only an enquiry ends the doubt.
                    #expect(open.outcome == "in_doubt")
                    #expect(open.count(of: "attempts") > 0, "\(reference) was in doubt and never sent")
                    #expect(finals.allSatisfy { $0.count(of: "enquiries") > 0 }, "\(reference) was in doubt without an enquiry")
                }
            }
            #expect(try await system.repeats() == 0)
            #expect(replies.values.joined().contains { $0.outcome == "in_doubt" }, "no recharge was in doubt, so the test shows nothing")
            let summary = try await system.ledgerSummary()
            #expect(summary.stored.allSatisfy { $0.key.state.isFinal || $0.value == 0 })
            #expect(summary.unpublishedReplies == 0)
        }
    }
}
