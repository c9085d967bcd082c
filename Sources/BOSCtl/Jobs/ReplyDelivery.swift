import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerSQLite
import Logging

/// Publishes replies that a command has stored. It uses the worker's own outbox.
struct ReplyDelivery {
    let settings: Settings
    let console: Console

    /// Publishes the replies, which one transaction has stored.
    ///
    /// The open ledger says its name: to open its file once more and close it would free the locks of this process (POSIX file locks).
    /// - Returns: how many are still owed and why; `nil` when the broker has confirmed them all.
    /// - Throws: `LedgerError`.
    func deliver(_ replies: [OutgoingReply], from ledger: SQLiteLedger) async throws -> (count: Int, reason: String)? {
        guard let first = replies.first else { return nil }
        let broker: Broker
        do {
            broker = try Broker(settings, ledger: try await ledger.identity(), console: console)
        } catch { return (replies.count, "\(error)") }
        let outbox = Outbox(
            publisher: broker.publishing, ledger: ledger, configuration: settings.engineConfiguration, clock: SystemClock(),
            metrics: EngineMetrics(), logger: Logger(label: "bosctl", factory: { _ in SwiftLogNoOpLogHandler() }))
        let problem = await withTaskGroup(of: Void.self) { group in
            group.addTask { await broker.run() }
            let problem: String?
            do throws(BrokerError) {
                try await broker.whenConnected()
                await outbox.deliver(new: replies)
                problem = nil
            } catch {
                problem = "\(error)"
            }
            await broker.close()
            return problem
        }
        // Returns once all confirmed replies are marked as published.
        outbox.finish()
        await outbox.runMarkPublished()
        let ids = Set(replies.map(\.id))
        // One transaction has stored them, so their ids are consecutive.
        let owed = try await ledger.unpublishedReplies(after: first.id - 1, limit: replies.count).replies.count { ids.contains($0.id) }
        return owed == 0 ? nil : (owed, problem ?? "the broker did not confirm them")
    }
}
