import JobModel
package import Ledger

/// Finds out whether the reason of a pause has passed. It moves no money.
package struct PauseProbe: Sendable {
    private let gateway: any BOSGateway
    private let ledger: any Ledger
    private let merchant: KnownMerchant
    private let timeout: Duration

    /// The reference of a recharge that does not exist. Enquiries that only check the connection to BOS use it; no upstream uses it.
    static let reference = "bos-worker-probe"

    package init(gateway: any BOSGateway, ledger: any Ledger, merchant: KnownMerchant, timeout: Duration) {
        self.gateway = gateway
        self.ledger = ledger
        self.merchant = merchant
        self.timeout = timeout
    }

    /// Checks one reason to pause.
    package func check(_ reason: PauseReason, in lane: Lane) async -> ConsumptionGate.ProbeResult {
        switch reason {
        case .ledger:
            do throws(LedgerError) {
                try await ledger.checkWritable()
                return .passed
            } catch { return .stands }
        case .credentials:
            _ = await gateway.renewCredentials()
            // Without a known merchant there is no enquiry, so only a job can show it.
            guard merchant.registerID != nil else { return .triesJob }
            // An answer without a finding also ends the pause, because BOS may always refuse this enquiry for other reasons.
            guard let trouble = await trouble(among: [.credentialsRefused, .notSent, .throttled]) else { return .passed }
            let isRefused = trouble.reason == .credentialsRefused
            lane.gate.update(
                .credentials,
                detail: isRefused
                    ? ConsumptionGate.refusedCredentials(trouble.note)
                    : "BOS refused the worker's credentials, and an enquiry whether it accepts them now got no answer; \(trouble.note)")
            return .stands
        case .bos: return await lane.probe { await trouble(among: [.notSent, .throttled, .unanswered]) == nil } ? .passed : .stands
        case .throttled: return lane.throttledFor == nil ? .passed : .stands
        case .postponed: return .triesJob
        // Only the operator ends it.
        case .operatorHold: return .stands
        case .refusals:
            guard lane.isRefused else { return .passed }
            return lane.mayTry ? .triesJob : .stands
        }
    }

    /// Why an enquiry got no answer. `nil` if it got one, or if the reason is not in the list.
    private func trouble(among reasons: [WaitReason]) async -> (reason: WaitReason, note: String)? {
        let options = CallOptions(traceparent: nil, timeout: timeout)
        let report = await gateway.enquire(Self.reference, registerID: merchant.registerID ?? "", options: options)
        switch report.event {
        case .found, .ownCredentialsRefused: return nil
        case .unanswered(let reason, _), .deferred(let reason, _): return reasons.contains(reason) ? (reason, report.note) : nil
        }
    }
}
