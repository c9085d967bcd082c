import AMQP
import ArgumentParser
import Daemon
import ExactJSON
import Foundation
import JobEngine
import JobModel
import UnixSignals

/// One run of `bosctl publish`. It publishes a batch, waits for the replies with `--wait`, and reports the result.
struct PublishRun: Sendable {
    /// How many jobs may be unconfirmed at once. More is not faster, because the broker confirms in groups of this size.
    private static let window = 256
    /// How often a job is published while it is unknown whether the broker has it. The worker executes a repeated job once.
    private static let attempts = 5

    /// Why the command stopped waiting.
    private enum Ending: Sendable {
        case done
        case timedOut
        case interrupted
    }

    private let batch: JobBatch
    private let waits: Bool
    private let rate: Double?
    private let timeout: Duration
    private let exchange: String
    private let broker: Broker
    private let console: Console
    private let tracker = ReplyTracker()
    private let table: ReplyTable
    private let startedAt = ContinuousClock.now

    init(_ batch: JobBatch, options: PublishOptions, settings: Settings, console: Console) throws(BrokerError) {
        self.batch = batch
        self.console = console
        waits = options.wait
        rate = options.rate
        timeout = options.timeout.duration
        exchange = settings.topology.exchanges.jobs
        broker = try Broker(settings, wantsReplies: options.wait, console: console)
        // In a numbered batch the last reference is the longest. Of a file, the first 50 lines decide.
        let sample = (0..<min(batch.count, 50)).map { $0 } + [batch.count - 1]
        table = ReplyTable(
            referenceWidth: sample.map { batch[$0].reference?.count ?? 0 }.max() ?? 0, hasColours: console.isTerminal)
    }

    /// Returns the exit code. ``BOSCtlCommand`` lists the codes.
    /// - Throws: ``BrokerError`` if a job cannot be published.
    func run() async throws -> ExitCode {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await broker.run() }
            let result: Result<Ending, any Error>
            do {
                try await broker.whenConnected()
                result = .success(try await untilEnd())
            } catch {
                result = .failure(error)
            }
            console.progress("")
            await broker.close()
            return try conclude(result.get())
        }
    }

    /// Publishes and waits until all is done, the time is up, or a signal arrives.
    private func untilEnd() async throws -> Ending {
        try await withThrowingTaskGroup(of: Ending?.self) { group in
            defer { group.cancelAll() }
            let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
            group.addTask {
                for await _ in signals { return .interrupted }
                return nil
            }
            if let replying = broker.replying, let queue = broker.replyQueue {
                group.addTask {
                    for await delivery in replying.consume(queue: queue, prefetch: 500) {
                        show(delivery.message)
                        delivery.ack()
                    }
                    return nil
                }
            }
            if console.isTerminal, batch.count > 20 { group.addTask { try await showProgress() } }
            group.addTask {
                try await publishAll()
                return waits ? try await whenAnswered() : .done
            }
            for try await case let ending? in group {
                if case .interrupted = ending {
                    group.cancelAll()
                    // A publish that waits for a blocked broker ends only with its connection.
                    await broker.close()
                }
                return ending
            }
            return .interrupted
        }
    }

    // MARK: Publishing

    private func publishAll() async throws {
        defer { tracker.markAllPublished() }
        let clock = ContinuousClock()
        let start = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<batch.count {
                if let rate { try await clock.sleep(until: start + .seconds(Double(index) / rate)) }
                if index >= Self.window { try await group.next() }
                try Task.checkCancellation()
                group.addTask { try await publish(index) }
            }
            try await group.waitForAll()
        }
    }

    private func publish(_ index: Int) async throws {
        let job = batch[index]
        let reference = job.reference ?? "line \(index + 1)"
        let message = message(for: job, index: index)
        if waits { tracker.expect(index, reference: reference) }
        for attempt in 1... {
            do throws(PublishError) {
                try await broker.publishing.publish(message, exchange: exchange, routingKey: batch.kind.rawValue, mandatory: true)
                break
            } catch {
                switch error {
                case .returned: throw BrokerError.unrouted(exchange: exchange, routingKey: batch.kind.rawValue)
                case .invalid, .turnedDown: throw BrokerError.notPublished(reference: reference, error)
                case .notSent, .notAsked, .refused, .outcomeUnknown:
                    try Task.checkCancellation()
                    guard attempt < Self.attempts else { throw BrokerError.notPublished(reference: reference, error) }
                    try await Task.sleep(for: .milliseconds(200 * attempt))
                    try await broker.publishing.whenConnected()
                }
            }
        }
        tracker.markConfirmed(index)
        if !waits { showPublished(reference) }
    }

    private func message(for job: JobBatch.Job, index: Int) -> Message {
        var message = Message(body: job.body)
        message.properties.contentType = "application/json"
        message.properties.type = batch.kind.rawValue
        message.properties.correlationID = tracker.correlationID(index)
        message.properties.messageID = tracker.correlationID(index)
        message.properties.replyTo = broker.replyQueue
        message.properties.appID = "bosctl"
        message.properties.timestamp = UInt64(Date().timeIntervalSince1970)
        return message
    }

    private func whenAnswered() async throws -> Ending {
        try await withThrowingTaskGroup(of: Ending.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                await tracker.whenComplete()
                return .done
            }
            group.addTask {
                try await Task.sleep(for: timeout)
                return .timedOut
            }
            return try await group.next() ?? .timedOut
        }
    }

    // MARK: Showing

    /// Shows a reply. In the table of more than 50 jobs, those that succeeded get no row.
    private func show(_ message: Message) {
        guard let (reference, report, elapsed) = tracker.record(message) else { return }
        if console.isJSON {
            let line = JSONValue.object([
                .init("reference", .string(reference)), .init("elapsed_ms", .number(Decimals.text(elapsed / .milliseconds(1), digits: 1))),
                .init("message_id", message.properties.messageID.map { .string($0) } ?? .null), .init("reply", report.json),
            ])
            console.row(String(decoding: line.encoded, as: UTF8.self))
        } else if batch.count <= 50 || report.outcome != "succeeded" {
            console.row(table.row(reference: reference, report, elapsed: elapsed), header: table.header)
        }
    }

    private func showPublished(_ reference: String) {
        if console.isJSON {
            let line = JSONValue.object([.init("reference", .string(reference)), .init("published", .bool(true))])
            console.row(String(decoding: line.encoded, as: UTF8.self))
        } else if batch.count <= 50 {
            console.row("\(reference)  published")
        }
    }

    private func showProgress() async throws -> Ending? {
        while true {
            try await Task.sleep(for: .milliseconds(100))
            console.progress(ProgressBar.text(tracker.counts, of: batch.count, waits: waits, elapsed: .now - startedAt))
        }
    }

    private func conclude(_ ending: Ending) -> ExitCode {
        let counts = tracker.counts
        let unanswered = tracker.unanswered
        if !console.isJSON, batch.count > 1 || !unanswered.isEmpty {
            console.row(ProgressBar.summary(counts, of: batch.count, waits: waits, elapsed: .now - startedAt))
        }
        for reference in unanswered.prefix(console.isJSON ? .max : 20) {
            if console.isJSON {
                let line = JSONValue.object([.init("reference", .string(reference)), .init("unanswered", .bool(true))])
                console.row(String(decoding: line.encoded, as: UTF8.self))
            } else {
                console.row("\(reference)  no final reply yet")
            }
        }
        if !unanswered.isEmpty {
            if !console.isJSON, unanswered.count > 20 { console.row("… and \(unanswered.count - 20) more") }
            console.complain("the worker goes on with the unanswered jobs; publish the same job again to get its reply")
        }
        if case .done = ending, unanswered.isEmpty, counts.confirmed == batch.count {
            return counts.answered == counts.outcomes["succeeded", default: 0] ? .success : .failure
        }
        return ExitCode(ProcessExit.notDrained.rawValue)
    }
}

/// The progress of a batch in one line.
enum ProgressBar {
    static func text(_ counts: ReplyTracker.Counts, of count: Int, waits: Bool, elapsed: Duration) -> String {
        let done = waits ? counts.answered : counts.confirmed
        let filled = 30 * done / count
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
        let speed = Decimals.text(Double(done) / max(elapsed / .seconds(1), 0.001), digits: 0)
        let waiting = waits ? "answered, \(counts.confirmed) published" : "published"
        return "\r\(bar) \(done)/\(count) \(waiting), \(speed)/s"
    }

    static func summary(_ counts: ReplyTracker.Counts, of count: Int, waits: Bool, elapsed: Duration) -> String {
        let seconds = Decimals.text(elapsed / .seconds(1), digits: 1)
        guard waits else { return "\(counts.confirmed) of \(count) jobs published in \(seconds) s" }
        let outcomes = counts.outcomes.sorted { $0.key < $1.key }.map { ", \($0.value) \($0.key)" }.joined()
        return "\(counts.answered) of \(count) jobs answered in \(seconds) s\(outcomes)"
    }
}
