import JobModel
package import Ledger

/// Finds out whether what closed the gate has passed, without moving money.
package struct PauseProbe: Sendable {
    private let gateway: any BOSGateway
    private let ledger: any Ledger
    private let merchant: KnownMerchant
    private let timeout: Duration

    /// Asked about in enquiries that only want to know whether BOS talks to us; no upstream uses it.
    static let reference = "bos-worker-probe"

    package init(gateway: any BOSGateway, ledger: any Ledger, merchant: KnownMerchant, timeout: Duration) {
        self.gateway = gateway
        self.ledger = ledger
        self.merchant = merchant
        self.timeout = timeout
    }

    package func look(at reason: PauseReason, in lane: Lane) async -> ConsumptionGate.Finding {
        switch reason {
        case .ledger:
            do throws(LedgerError) {
                try await ledger.checkWritable()
                return .passed
            } catch { return .stands }
        case .credentials:
            _ = await gateway.renewCredentials()
            // Without a merchant to ask for, only a job can tell.
            guard merchant.registerID != nil else { return .triesJob }
            // An answer without a verdict lifts it too: BOS may refuse this question for reasons of its own, for ever.
            guard let trouble = await trouble(among: [.credentialsRefused, .notSent, .throttled]) else { return .passed }
            let isRefused = trouble.reason == .credentialsRefused
            lane.gate.explain(
                .credentials,
                detail: isRefused
                    ? ConsumptionGate.refusedCredentials(trouble.note)
                    : "BOS has refused our credentials, and cannot be asked whether it takes them now; \(trouble.note)")
            return .stands
        case .bos: return await lane.probe { await trouble(among: [.notSent, .throttled, .unanswered]) == nil } ? .passed : .stands
        case .throttled: return lane.throttledFor == nil ? .passed : .stands
        case .postponed: return .triesJob
        case .refusals:
            guard lane.isRefused else { return .passed }
            return lane.mayTry ? .triesJob : .stands
        }
    }

    /// Why an enquiry got no answer; `nil` if it got one, or none for another reason than these.
    private func trouble(among reasons: [WaitReason]) async -> (reason: WaitReason, note: String)? {
        let call = CallOptions(traceparent: nil, timeout: timeout)
        let report = await gateway.enquire(Self.reference, registerID: merchant.registerID ?? "", call)
        switch report.event {
        case .found, .ownCredentialsRefused: return nil
        case .unanswered(let reason, _), .heldBack(let reason, _): return reasons.contains(reason) ? (reason, report.note) : nil
        }
    }
}
