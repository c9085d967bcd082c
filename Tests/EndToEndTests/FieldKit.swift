import BrokerKit
import Foundation
import Testing

/// What the tests with a ``RawBOS`` share.
extension System {
    /// Settings under which a doubt is settled within seconds, and BOS is asked again soon after calls in vain.
    private static let quick = [
        "BOS_API_REQUEST_TIMEOUT": "500ms", "BOS_RETRY_SETTLE_WINDOW": "1s", "BOS_RETRY_ENQUIRY_INITIAL_BACKOFF": "50ms",
        "BOS_RETRY_ENQUIRY_MAXIMUM_BACKOFF": "200ms", "BOS_RETRY_MAXIMUM_BACKOFF": "500ms", "BOS_POLLER_INTERVAL": "100ms",
        "BOS_BREAKER_PROBE_INTERVAL": "200ms", "BOS_BREAKER_MAXIMUM_PROBE_INTERVAL": "400ms",
        // The default, which the stand-in of other tests does not need.
        "BOS_RETRY_SETTLE_NOT_FOUND": "person",
    ]
    /// The owner has it from BOS that "not found" proves that nothing was executed.
    static let believing = ["BOS_RETRY_SETTLE_NOT_FOUND": "believe"]

    /// Runs `body` in a new system whose BOS is scripted.
    static func field(
        _ settings: [String: String] = [:], keepsUnrouted: Bool = true, _ body: (System, RawBOS) async throws -> Void
    ) async throws {
        try await RawBOS.run { bos in
            try await run(quick.merging(settings) { $1 }, bos: bos, keepsUnrouted: keepsUnrouted) { try await body($0, bos) }
        }
    }

    /// The same with a worker and a poller at work, which end in order afterwards.
    static func fieldAtWork(_ settings: [String: String] = [:], _ body: (System, RawBOS) async throws -> Void) async throws {
        try await field(settings) { system, bos in
            let worker = try await system.startReadyWorker()
            let (poller, _) = try system.startPoller()
            try await body(system, bos)
            #expect(await system.stop(poller) == 0)
            #expect(await system.stop(worker) == 0)
        }
    }

    /// Has one recharge executed, and returns once the worker has asked BOS about it, as the worker does by itself.
    func calibrate(_ bos: RawBOS, as reference: String = "known") async throws {
        try await upstream.publishRecharges([reference])
        #expect(await bos.hasHeard(.enquiry, about: reference), "the worker does not ask about the recharge that was just done")
        #expect(await eventually { lastOutcome(reference) == "succeeded" })
    }

    /// What the askers of a job were told last.
    func lastOutcome(_ reference: String) -> String? { upstream.replies[reference]?.last?.outcome }

    /// Whether no final reply has come for these jobs.
    func expectNoFinal(_ references: [String]) {
        for reference in references {
            let replies = upstream.replies[reference, default: []]
            let isOver = replies.contains { $0.isFinal }
            #expect(!isOver, "\(reference) was told \(replies.map(\.outcome))")
        }
    }

    /// What `bosctl job` tells of a job.
    func history(_ reference: String) async throws -> String { try await bosctl("job", reference).output }

    /// The line of `bosctl doubts` about a recharge; `nil` if it is not among the doubts.
    func doubt(_ reference: String) async throws -> String? {
        try await bosctl("doubts").output.split(separator: "\n").first { $0.hasPrefix("\(reference) ") }.map(String.init)
    }

    /// Returns once the recharges are left to a person. Their askers know that they are in doubt, and nothing more.
    func expectParked(_ references: [String]) async throws {
        var lines: [String: String] = [:]
        let areParked = await eventually(within: .seconds(15)) {
            for reference in references { lines[reference] = try await doubt(reference) }
            return references.allSatisfy { lines[$0]?.contains("a person") == true && lastOutcome($0) == "in_doubt" }
        }
        #expect(areParked, "\(references.map { "\($0): \(lines[$0] ?? "no doubt"), told \(lastOutcome($0) ?? "nothing")" })")
        expectNoFinal(references)
    }

    /// Makes the ledger believe that its recharges were sent two days earlier. No worker may be running.
    func letTwoDaysPass() async throws {
        let sql = "UPDATE jobs SET first_sent_at = first_sent_at - 172800000 WHERE first_sent_at IS NOT NULL"
        try await Tool.run("/usr/bin/sqlite3", ["\(folder.path)/ledger.sqlite", sql])
    }

    /// The lines of a program's log that hold all of these parts.
    static func lines(of process: ChildProcess, with parts: String...) -> [Substring] {
        process.output.split(separator: "\n").filter { line in parts.allSatisfy { line.contains($0) } }
    }
}
