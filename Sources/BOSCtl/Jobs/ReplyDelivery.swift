import AMQP
import Daemon
import JobEngine
import JobModel
import Ledger
import LedgerSQLite
import Logging
import Synchronization

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
        let problem = try await withOutbox(of: ledger) { outbox, _ in await outbox.deliver(new: replies) }
        let ids = Set(replies.map(\.id))
        // One transaction has stored them, so their ids are consecutive.
        let owed = try await ledger.unpublishedReplies(after: first.id - 1, limit: replies.count).replies.count { ids.contains($0.id) }
        return owed == 0 ? nil : (owed, problem ?? "the broker did not confirm them")
    }

    /// What became of a reply that was published again.
    enum Receipt: Sendable, Equatable {
        case routed
        /// The broker has no queue for it. `isKept`: the exchange of replies has put it into the queue of unrouted replies.
        case unroutable(isKept: Bool)
        /// Why the broker has not confirmed it.
        case unconfirmed(String)
    }

    /// Publishes stored replies once more, one after the other. The jobs do not change.
    /// - Returns: one receipt for each reply.
    /// - Throws: `LedgerError`.
    func publishAgain(_ replies: [OutgoingReply], from ledger: SQLiteLedger) async throws -> [Receipt] {
        let receipts = Mutex<[Receipt]>([])
        let unrouted = settings.topology.queues.unrouted
        let problem = try await withOutbox(of: ledger) { outbox, connection in
            for reply in replies {
                // The exchange of replies has an alternate exchange, so the broker does not return what it cannot route.
                let before = try? await connection.depth(of: unrouted).messages
                let receipt: Receipt =
                    switch await outbox.publishAgain(reply) {
                    case .unroutable: .unroutable(isKept: false)
                    case .failed(let error): .unconfirmed("\(error)")
                    case .confirmed:
                        if let before, let after = try? await connection.depth(of: unrouted).messages, after > before {
                            .unroutable(isKept: true)
                        } else {
                            .routed
                        }
                    }
                receipts.withLock { $0.append(receipt) }
            }
        }
        let known = receipts.withLock { $0 }
        return known + replies.dropFirst(known.count).map { _ in .unconfirmed(problem ?? "it was not published") }
    }

    /// Runs `body` with an outbox of this ledger and its connection to the broker. Returns once all confirmed replies are marked as published.
    /// - Returns: why the broker could not be reached; `nil` if it was.
    /// - Throws: `LedgerError`.
    private func withOutbox(of ledger: SQLiteLedger, body: (Outbox, Connection) async -> Void) async throws -> String? {
        let broker: Broker
        do {
            broker = try Broker(settings, ledger: try await ledger.identity(), console: console)
        } catch let error as BrokerError { return "\(error)" }
        let outbox = Outbox(
            publisher: broker.publishing, ledger: ledger, configuration: settings.engineConfiguration, clock: SystemClock(),
            metrics: EngineMetrics(), logger: Logger(label: "bosctl", factory: { _ in SwiftLogNoOpLogHandler() }))
        let problem = await withTaskGroup(of: Void.self) { group in
            group.addTask { await broker.run() }
            let problem: String?
            do throws(BrokerError) {
                try await broker.whenConnected()
                await body(outbox, broker.publishing)
                problem = nil
            } catch {
                problem = "\(error)"
            }
            await broker.close()
            return problem
        }
        outbox.finish()
        await outbox.runMarkPublished()
        return problem
    }
}
