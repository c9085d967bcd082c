import JobModel
package import Ledger

/// Finds out whether the reason of a pause has passed. It moves no money.
package struct PauseProbe: Sendable {
    private let gateway: any BOSGateway
    private let ledger: any Ledger
    private let merchant: KnownMerchant
    private let configuration: EngineConfiguration

    /// The reference of a recharge that does not exist. Enquiries that only check the connection to BOS use it; no upstream uses it.
    static let reference = "bos-worker-probe"

    package init(gateway: any BOSGateway, ledger: any Ledger, merchant: KnownMerchant, configuration: EngineConfiguration) {
        self.gateway = gateway
        self.ledger = ledger
        self.merchant = merchant
        self.configuration = configuration
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
            guard let registerID = merchant.registerID else { return .triesJob }
            // An answer without a finding also ends the pause, because BOS may always refuse this enquiry for other reasons.
            let report = await enquire(Self.reference, of: registerID)
            guard let reason = report.event.trouble, [.credentialsRefused, .notSent, .throttled].contains(reason) else { return .passed }
            lane.gate.update(
                .credentials,
                detail: reason == .credentialsRefused
                    ? ConsumptionGate.refusedCredentials(report.note)
                    : "BOS refused the worker's credentials, and an enquiry whether it accepts them now got no answer; \(report.note)")
            return .stands
        case .bos: return await lane.probe { await isAnswered(in: lane) } ? .passed : .stands
        case .throttled: return lane.throttledFor == nil ? .passed : .stands
        case .postponed: return .triesJob
        case .refusals:
            guard lane.isRefused else { return .passed }
            return lane.mayTry ? .triesJob : .stands
        }
    }

    /// Whether BOS answers enquiries.
    ///
    /// A healthy BOS may answer an enquiry about an unknown recharge with nothing that is known, such as a bare HTTP 404. So may a proxy that
    /// answers in place of BOS. An enquiry about a recharge that BOS has executed tells the two apart.
    private func isAnswered(in lane: Lane) async -> Bool {
        let report = await enquire(Self.reference, of: merchant.registerID ?? "")
        guard let reason = report.event.trouble, [.notSent, .throttled, .unanswered].contains(reason) else { return true }
        guard reason == .unanswered, report.isAnswered else { return false }
        if let known = await executedRecharge(), await enquire(known.name, of: known.registerID).event.trouble == nil { return true }
        lane.gate.update(
            .bos,
            detail: "calls to BOS failed, and the enquiry whether BOS works again gets an answer that says nothing: \(report.note); "
                + "consuming resumes once an enquiry finds the recharge that BOS executed last; if BOS works, restart the worker")
        return false
    }

    /// The recharge that BOS executed last, as an enquiry names it. `nil` if there is none, or if the ledger cannot be read.
    private func executedRecharge() async -> (name: String, registerID: String)? {
        guard let record = try? await ledger.lastExecuted(sentTo: configuration.policy.destination).first,
            case .recharge(let recharge) = record.job
        else { return nil }
        return (configuration.enquiresBy.name(recharge.reference, bosReference: record.progress.bosReference), recharge.registerID)
    }

    private func enquire(_ name: String, of registerID: String) async -> CallReport<Enquiry> {
        await gateway.enquire(
            name, registerID: registerID, options: CallOptions(traceparent: nil, timeout: configuration.requestTimeout))
    }
}

extension Enquiry {
    /// Why the enquiry got no usable answer. `nil` if it got one.
    fileprivate var trouble: WaitReason? {
        switch self {
        case .found, .ownCredentialsRefused: nil
        case .unanswered(let reason, _), .deferred(let reason, _): reason
        }
    }
}
