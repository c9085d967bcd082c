import AMQP
import Daemon
import JobEngine
import Logging

/// Compares the broker's topology with the expected one, over AMQP, and over the management API if there is one.
struct TopologyCheck {
    let settings: Settings
    /// The name of the ledger that the marker must hold; `nil` if there is no ledger yet.
    let ledger: String?
    let connection: Connection
    let management: ManagementAPI?

    /// - Throws: ``BrokerError/unreachable(_:)`` if the broker cannot be asked.
    func report() async throws(BrokerError) -> TopologyReport {
        var rows: [TopologyReport.Row] = []
        do throws(SessionError) {
            for item in settings.topology.sharedItems { rows.append(.init(item: item, comparison: try await compare(item))) }
            rows += try await guardRows()
        } catch {
            throw .unreachable(error)
        }
        return TopologyReport(rows: rows, remarks: await policyRemarks())
    }

    private func compare(_ item: TopologyItem) async throws(SessionError) -> TopologyComparison {
        guard case .binding(let queue, let exchange, let key) = item else { return try await connection.compare(item) }
        guard let management else { return .untold("only amqp.managementURL shows bindings") }
        do throws(WebFailure) {
            return try await management.bindings(of: queue, to: exchange).contains(key) ? .same : .missing
        } catch {
            return .untold("\(error)")
        }
    }

    /// Lock and marker, which only the worker declares.
    private func guardRows() async throws(SessionError) -> [TopologyReport.Row] {
        let queues = settings.topology.queues
        let (lock, marker) = (TopologyItem.exclusiveQueue(name: queues.lock), TopologyItem.queue(name: queues.ledger))
        var rows: [TopologyReport.Row] = []
        let (isHeld, isMarked) = (try await isThere(lock), try await isThere(marker))
        rows.append(.init(item: lock, comparison: isHeld ? .same : .untold("no worker holds it: none is running")))
        guard isMarked else {
            return rows + [.init(item: marker, comparison: .untold("it does not exist: the first worker that starts declares it"))]
        }
        guard let ledger else { return rows + [.init(item: marker, comparison: .untold("there is no ledger here to compare it with"))] }
        return rows + [.init(item: marker, comparison: try await compareMarker(ledger))]
    }

    private func isThere(_ item: TopologyItem) async throws(SessionError) -> Bool {
        do throws(SessionError) {
            try await connection.check(item)
            return true
        } catch {
            switch error {
            case .topologyMissing: return false
            // The queue is another connection's.
            case .topologyRefused(_, 405, _), .locked: return true
            default: throw error
            }
        }
    }

    private func compareMarker(_ ledger: String) async throws(SessionError) -> TopologyComparison {
        do throws(SessionError) {
            try await connection.declare(settings.topology.markerItem(ledger: ledger))
            return .same
        } catch {
            switch error {
            case .markedOtherwise:
                return .different([ArgumentDifference("the name of the ledger", expected: ledger, current: "another one")])
            case .topologyMismatch(_, let text), .topologyRefused(_, _, let text): return .untold(text)
            default: throw error
            }
        }
    }

    /// What policies set that the programs do not expect.
    private func policyRemarks() async -> [String] {
        guard let management else { return ["Bindings and policies are not seen without amqp.managementURL."] }
        var remarks: [String] = []
        for queue in settings.topology.watchedQueues {
            guard let found = try? await management.queue(queue) else { continue }
            let harmful = found.policySettings.filter { Self.harmful.contains($0.name) }
            guard !harmful.isEmpty else { continue }
            let values = harmful.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
            remarks.append("the policy \(found.policies.joined(separator: ", ")) sets \(values) on \(queue): what it removes is lost")
        }
        return remarks
    }

    /// Source: operating.md#what-the-worker-watches.
    private static let harmful = ["expires", "message-ttl", "max-length", "max-length-bytes"]
}
