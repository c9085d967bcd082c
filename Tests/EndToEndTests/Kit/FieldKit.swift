import BrokerKit
import Foundation
import Testing

/// The steps that the tests with a ``RawBOS`` share.
extension System {
    /// Settings with which the worker decides about a doubt within seconds, and calls BOS again soon after calls that failed.
    private static let quick = [
        "BOS_API_REQUEST_TIMEOUT": "500ms", "BOS_RETRY_SETTLE_WINDOW": "1s", "BOS_RETRY_ENQUIRY_INITIAL_BACKOFF": "50ms",
        "BOS_RETRY_ENQUIRY_MAXIMUM_BACKOFF": "200ms", "BOS_RETRY_MAXIMUM_BACKOFF": "500ms", "BOS_POLLER_INTERVAL": "100ms",
        "BOS_BREAKER_PROBE_INTERVAL": "200ms", "BOS_BREAKER_MAXIMUM_PROBE_INTERVAL": "400ms",
        // The default. The tests with the stand-in use `believe`.
        "BOS_RETRY_SETTLE_NOT_FOUND": "person",
    ]
    /// "Not found" counts as proof that nothing was executed.
    static let believing = ["BOS_RETRY_SETTLE_NOT_FOUND": "believe"]

    /// Runs `body` in a new system whose BOS is scripted.
    static func field(
        _ settings: [String: String] = [:], keepsUnrouted: Bool = true, body: (System, RawBOS) async throws -> Void
    ) async throws {
        try await RawBOS.run { bos in
            try await run(quick.merging(settings) { $1 }, bos: bos, keepsUnrouted: keepsUnrouted) { try await body($0, bos) }
        }
    }

    /// Runs `body` in such a system with a worker and a poller, and stops both afterwards.
    static func fieldAtWork(_ settings: [String: String] = [:], body: (System, RawBOS) async throws -> Void) async throws {
        try await field(settings) { system, bos in
            let worker = try await system.startReadyWorker()
            let (poller, _) = try system.startPoller()
            try await body(system, bos)
            #expect(await system.stop(poller) == 0)
            #expect(await system.stop(worker) == 0)
        }
    }

    /// Has one recharge executed. Returns once the worker has calibrated its enquiry with it, which it does by itself.
    func calibrate(_ bos: RawBOS, as reference: String = "known") async throws {
        try await upstream.publishRecharges([reference])
        #expect(await bos.hasHeard(.enquiry, about: reference), "the worker does not enquire about the recharge that BOS has just executed")
        #expect(await eventually { lastOutcome(reference) == "succeeded" })
    }

    /// The outcome of the last reply to a job; `nil` if none has come.
    func lastOutcome(_ reference: String) -> String? { upstream.replies[reference]?.last?.outcome }

    /// Expects that no final reply has come for these jobs.
    func expectNoFinal(_ references: [String]) {
        for reference in references {
            let replies = upstream.replies[reference, default: []]
            let isOver = replies.contains { $0.isFinal }
            #expect(!isOver, "\(reference) was answered \(replies.map(\.outcome))")
        }
    }

    /// The output of `bosctl job` for a job.
    func history(_ reference: String) async throws -> String { try await bosctl("job", reference).output }

    /// The entries of the job's history. The lines above them say how long ago something was, which changes.
    func historyEntries(_ reference: String) async throws -> [Substring] {
        try await history(reference).split(separator: "\n").drop { $0 != "  history" }.dropFirst().map { $0 }
    }

    /// The line of `bosctl doubts` for a recharge; `nil` if it is not a doubt.
    func doubt(_ reference: String) async throws -> String? {
        try await bosctl("doubts").output.split(separator: "\n").first { $0.hasPrefix("\(reference) ") }.map(String.init)
    }

    /// Returns once the recharges are parked. Expects `in_doubt` as their last reply, and no final one.
    func expectParked(_ references: [String]) async throws {
        var lines: [String: String] = [:]
        let areParked = await eventually(within: .seconds(15)) {
            for reference in references { lines[reference] = try await doubt(reference) }
            return references.allSatisfy { lines[$0]?.contains("a person") == true && lastOutcome($0) == "in_doubt" }
        }
        #expect(areParked, "\(references.map { "\($0): \(lines[$0] ?? "no doubt"), last reply \(lastOutcome($0) ?? "none")" })")
        expectNoFinal(references)
    }

    /// Moves the first sending of each recharge in the ledger back by two days. No worker may be running.
    func letTwoDaysPass() async throws {
        let sql = "UPDATE jobs SET first_sent_at = first_sent_at - 172800000 WHERE first_sent_at IS NOT NULL"
        try await Tool.run("/usr/bin/sqlite3", arguments: ["\(folder.path)/ledger.sqlite", sql])
    }

    /// The lines of a program's log that contain all of these parts.
    static func lines(of process: ChildProcess, with parts: String...) -> [Substring] {
        process.output.split(separator: "\n").filter { line in parts.allSatisfy { line.contains($0) } }
    }
}
