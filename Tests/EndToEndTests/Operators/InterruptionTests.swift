import BrokerKit
import Foundation
import JobModel
import Ledger
import LedgerSQLite
import Testing

extension EndToEnd {
    /// Commands of operators that end in the middle: by Ctrl-C, or killed.
    @Suite struct Interruptions {
        private static let signals = [SIGKILL, SIGINT]
        private static let why = ["--reason", "ticket 7"]

        /// The step at which `bosctl` is killed.
        enum Step: CaseIterable {
            /// The broker accepts the connection and says nothing.
            case connecting
            /// The broker has the reply, and its confirm does not arrive.
            case confirming
        }

        @Test("resolve that is killed while BOS is asked has changed nothing, and is on record without a result", arguments: signals)
        func resolveWhileBOSIsAsked(signal: Int32) async throws {
            try await System.field { system, bos in
                try await system.storeParked("doubt-1")
                // The queue for replies and the marker exist from the first start on.
                #expect(await system.stop(try await system.startReadyWorker()) == 0)
                let hold = Hold()
                bos.on(.enquiry) { _ in .hold(hold, []) }
                let resolve = ["resolve", "doubt-1", "--failed", "--inside-window", "--yes"] + Self.why
                let process = try system.startBosctl(resolve)
                #expect(await bos.hasHeard(.enquiry))
                await expectKilled(process, by: signal)
                hold.open()
                #expect(process.output.contains("BOS is asked about it now"), "\(process.output)")
                #expect(try await system.ledgerSummary().stored == [.init(.recharge, in: .parked): 1])
                #expect(try await system.ledgerSummary().unpublishedReplies == 0)
                try await expectInterrupted("resolve --failed", of: "doubt-1", in: system)

                bos.mend(.enquiry)
                let resolved = try await system.bosctl(resolve)
                #expect(resolved.code == 0, "\(resolved.output)")
                try await expectOneFinal("doubt-1", outcome: "failed", in: system)
            }
        }

        @Test(
            "resolve that is killed while its reply is published has resolved, and the worker publishes the reply",
            arguments: Step.allCases, signals)
        func resolveWhilePublishing(step: Step, signal: Int32) async throws {
            try await System.field { system, _ in
                try await system.storeParked("doubt-1")
                // The queue for replies and the marker exist from the first start on.
                #expect(await system.stop(try await system.startReadyWorker()) == 0)
                let proxy = try Self.proxy(step, of: system)
                defer { proxy.stop() }
                let process = try system.startBosctl(
                    ["resolve", "doubt-1", "--failed", "--inside-window", "--yes"] + Self.why,
                    environment: ["BOS_AMQP_URLS": "amqp://guest:guest@127.0.0.1:\(proxy.port)/%2f"])
                let isResolved = await eventually { try await system.ledgerSummary().stored == [.init(.recharge, in: .failed): 1] }
                #expect(isResolved, "\(process.output)")
                if step == .confirming { try await system.upstream.waitForFinals(1) }
                await expectKilled(process, by: signal)
                #expect(try await system.ledgerSummary().unpublishedReplies == 1)
                try await expectInterrupted("resolve --failed", of: "doubt-1", in: system)
                try await expectOneFinal("doubt-1", outcome: "failed", in: system)
            }
        }

        @Test("reply that is killed while it publishes changes neither the job nor its replies", arguments: Step.allCases, signals)
        func replyWhilePublishing(step: Step, signal: Int32) async throws {
            try await System.field { system, _ in
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["r-1"])
                try await system.upstream.waitForFinals(1)
                try await system.finish(worker)
                let proxy = try Self.proxy(step, of: system)
                defer { proxy.stop() }
                let history = try await system.historyEntries("r-1")
                let process = try system.startBosctl(
                    ["reply", "r-1", "--again"] + Self.why,
                    environment: ["BOS_AMQP_URLS": "amqp://guest:guest@127.0.0.1:\(proxy.port)/%2f"])
                try #require(await eventually { try await system.bosctl("log").output.contains("reply --again") }, "\(process.output)")
                if step == .confirming { #expect(await eventually { system.upstream.replies["r-1"]?.count == 2 }, "\(process.output)") }
                await expectKilled(process, by: signal)
                try await expectInterrupted("reply --again", of: "r-1", in: system)
                #expect(try await system.historyEntries("r-1") == history)
                #expect(try await system.ledgerSummary().unpublishedReplies == 0)
                try await expectOneFinal("r-1", outcome: "succeeded", in: system)
            }
        }

        @Test("retry that is killed at any moment leaves each job as it was or due, and on record; each ends once afterwards")
        func retryAtAnyMoment() async throws {
            try await System.field { system, bos in
                let references = System.references(16)
                for reference in ["measured"] + references { try await system.storeParked(reference) }
                let clock = ContinuousClock()
                let start = clock.now
                #expect(try await system.bosctl(["retry", "measured"] + Self.why).code == 0)
                let whole = clock.now - start
                for (index, reference) in references.enumerated() {
                    let process = try system.startBosctl(["retry", reference] + Self.why)
                    // Each moment is as good as any other, so nothing depends on how quick this machine is.
                    try await Task.sleep(for: whole * index / references.count)
                    process.send(SIGKILL)
                    _ = await process.exitCode()
                }
                let stored = try await system.ledgerSummary().stored
                let (parked, due) = (stored[.init(.recharge, in: .parked)] ?? 0, stored[.init(.recharge, in: .inDoubt)] ?? 0)
                #expect(parked + due == references.count + 1, "\(stored)")
                let actions = try await system.actions()
                #expect(actions.count(where: { $0.result != nil }) <= due)
                #expect(Set(actions.map(\.action.subject)).count >= due)

                bos.on(.enquiry) { RawBOS.found($0.reference, subscriber: System.subscriber, amount: "1") }
                let worker = try await system.startReadyWorker()
                let (poller, _) = try system.startPoller()
                for reference in ["measured"] + references where !(system.upstream.replies[reference] ?? []).contains(where: \.isFinal) {
                    // A job that the worker works on, or that has ended, refuses another retry.
                    _ = try await system.bosctl(["retry", reference] + Self.why)
                }
                try await system.upstream.waitForFinals(references.count + 1)
                #expect(await system.stop(poller) == 0)
                try await system.finish(worker)
                #expect(try await system.ledgerSummary().stored == [.init(.recharge, in: .succeeded): references.count + 1])
                for reference in references { #expect(Set(system.upstream.replies[reference, default: []].map(\.messageID)).count == 1) }
                #expect(bos.requests(.recharge).isEmpty)
            }
        }

        private static func proxy(_ step: Step, of system: System) throws -> Proxy {
            switch step {
            case .connecting: return try Proxy()
            case .confirming:
                let proxy = try Proxy(upstream: Int(system.broker.port))
                proxy.hideAnswers(after: Array(#""outcome""#.utf8))
                return proxy
            }
        }

        private func expectKilled(_ process: ChildProcess, by signal: Int32) async {
            process.send(signal)
            #expect(await process.exitCode() == 128 + signal, "\(process.output)")
        }

        /// Expects that the last command is on record without a result.
        private func expectInterrupted(_ command: String, of reference: String, in system: System) async throws {
            let action = try #require(try await system.actions().first)
            #expect(action.action.command.hasPrefix(command) && action.action.subject == reference && action.action.reason == "ticket 7")
            #expect(action.result == nil)
            #expect(try await system.bosctl("log").output.contains("no result yet"))
        }

        /// Starts a worker, and expects that the job gets this final reply, under one `message_id`.
        private func expectOneFinal(_ reference: String, outcome: String, in system: System) async throws {
            let worker = try await system.startReadyWorker()
            try await system.upstream.waitForFinals(1)
            try await system.finish(worker)
            let finals = system.upstream.replies[reference, default: []].filter(\.isFinal)
            #expect(Set(finals.map(\.messageID)).count == 1 && finals.allSatisfy { $0.outcome == outcome }, "\(finals.map(\.outcome))")
            #expect(try await system.ledgerSummary().unpublishedReplies == 0)
        }
    }

    /// Replies that an operator publishes again.
    @Suite struct RepliesAgain {
        @Test("a reply is published again with the same message_id, and bosctl says whether a queue was bound; the job does not change")
        func replyIsPublishedAgain() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let none = try await system.bosctl("reply", "r-1", "--again", "--reason", "the upstream lost it")
                #expect(none.code == 1, "\(none.output)")
                try await system.upstream.publish(Upstream.recharge("r-1"), as: "r-1")
                try await system.upstream.waitForFinals(1)
                let history = try await system.historyEntries("r-1")
                let again = try await system.bosctl("reply", "r-1", "--again", "--reason", "the upstream lost it")
                #expect(again.code == 0, "\(again.output)")
                for part in ["succeeded, final, to", "correlation_id r-1", "routed to a queue and confirmed"] {
                    #expect(again.output.contains(part), "\(again.output)")
                }
                #expect(await eventually { system.upstream.replies["r-1"]?.count == 2 })
                let replies = system.upstream.replies["r-1", default: []]
                #expect(Set(replies.map(\.messageID)).count == 1 && Set(replies.map(\.body)).count == 1)

                try await system.upstream.publish(Upstream.recharge("r-2"), as: "r-2", replyTo: "nowhere")
                #expect(await eventually { try await system.upstream.depth(of: system.names.unrouted) == 1 })
                let lost = try await system.bosctl("reply", "r-2", "--again", "--reason", "the upstream lost it")
                #expect(lost.code == 1, "\(lost.output)")
                for part in ["no queue is bound for it", "1 of them are in \(system.names.unrouted) now"] {
                    #expect(lost.output.contains(part), "\(lost.output)")
                }
                #expect(try await system.upstream.depth(of: system.names.unrouted) == 2)

                let away = try await system.bosctl(
                    ["reply", "r-1", "--again", "--reason", "the upstream lost it"],
                    environment: ["BOS_AMQP_URLS": "amqp://guest:guest@127.0.0.1:1/%2f"])
                #expect(away.code == 75 && away.output.contains("were not published again"), "\(away.output)")
                #expect(try await system.historyEntries("r-1") == history)
                let results = try await system.actions().map { $0.result ?? "" }
                #expect(results.count == 3 && results[0].hasPrefix("failed: 1 replies of r-1 were not published again"), "\(results)")
                #expect(results[1].hasPrefix("failed: the broker has no queue") && results[2].hasPrefix("replies published again: 1"))
                try await system.finish(worker)
                #expect(try await system.executions() == ["r-1": 1, "r-2": 1])
            }
        }
    }
}

extension System {
    /// Stores a doubt that is left to a person. No worker may be running.
    fileprivate func storeParked(_ reference: String) async throws {
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        try await store(reference, in: .parked, sentAt: now + .seconds(-3_600))
    }

    /// The operators' actions, the newest first.
    fileprivate func actions() async throws -> [RecordedAction] {
        try await SQLiteLedger.openReadOnly(path: "\(folder.path)/ledger.sqlite").closing { try await $0.actions(before: nil, limit: .max) }
    }
}
