import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerSQLite
import Logging

/// Publishes replies that a command has stored, as the worker would have done it.
struct ReplyDelivery {
    let settings: Settings
    let console: Console

    /// - Returns: why some are still owed, with their number; `nil` when the broker has confirmed them all.
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
        // Ends once what was confirmed is marked.
        outbox.finish()
        await outbox.runMarking()
        let ids = Set(replies.map(\.id))
        // One transaction has stored them, so that no other reply lies between them.
        let owed = try await ledger.unpublishedReplies(after: first.id - 1, limit: replies.count).replies.count { ids.contains($0.id) }
        return owed == 0 ? nil : (owed, problem ?? "the broker did not confirm them")
    }
}
