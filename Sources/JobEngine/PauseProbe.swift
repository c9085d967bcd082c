import JobModel
package import Ledger

/// Finds out whether what closed the gate has passed, without moving money.
package struct PauseProbe: Sendable {
    private let gateway: any BOSGateway
    private let ledger: any Ledger
    private let registerID: String
    private let timeout: Duration

    /// Asked about in enquiries that only want to know whether BOS talks to us; no upstream uses it.
    private static let reference = "bos-worker-probe"

    package init(gateway: any BOSGateway, ledger: any Ledger, registerID: String, timeout: Duration) {
        self.gateway = gateway
        self.ledger = ledger
        self.registerID = registerID
        self.timeout = timeout
    }

    package func hasPassed(_ reason: PauseReason, in lane: Lane) async -> Bool {
        switch reason {
        case .ledger:
            do throws(LedgerError) {
                try await ledger.checkWritable()
                return true
            } catch { return false }
        case .credentials:
            _ = await gateway.renewCredentials()
            // Only an answer shows that BOS knows us; a time-out or an error of its own does not.
            return await ask() == .found
        case .bos: return await lane.probe { [.found, .unanswered(.credentialsRefused)].contains(await ask()) }
        }
    }

    private enum Finding: Equatable {
        case found
        case unanswered(WaitReason)
    }

    private func ask() async -> Finding {
        switch await gateway.enquire(Self.reference, registerID: registerID, CallOptions(traceparent: nil, timeout: timeout)).event {
        case .found: .found
        case .unanswered(let reason, _): .unanswered(reason)
        }
    }
}
