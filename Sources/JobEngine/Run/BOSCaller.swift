import JobModel
import Ledger

/// Performs the steps of one kind of job against BOS.
protocol BOSCaller: Sendable {
    associatedtype Machine: JobMachine

    /// Sends the recharge once.
    func send(_ permit: consuming RetryPermit, for machine: Machine, _ options: CallOptions) async -> CallReport<Machine.Event>
    /// Asks the question that the machine has.
    func ask(for machine: Machine, _ options: CallOptions) async -> CallReport<Machine.Event>
}

extension BOSCaller {
    /// A question's machine makes no permit. Were one made by mistake, asking would move no money.
    func send(_ permit: consuming RetryPermit, for machine: Machine, _ options: CallOptions) async -> CallReport<Machine.Event> {
        await ask(for: machine, options)
    }
}

struct RechargeCaller: BOSCaller {
    let gateway: any BOSGateway
    let calibrator: EnquiryCalibrator
    let enquiresBy: EngineConfiguration.EnquiryName

    func send(
        _ permit: consuming RetryPermit, for machine: RechargeMachine, _ options: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        let report = await gateway.recharge(permit, machine.recharge, options)
        if case .answered(.done, _, let bosReference) = report.event, machine.recharge.canBeNamed(bosReference) {
            calibrator.executed(machine.recharge, bosReference)
        }
        return report
    }

    func ask(for machine: RechargeMachine, _ options: CallOptions) async -> CallReport<RechargeMachine.Event> {
        let (recharge, bosReference) = (machine.recharge, machine.progress.bosReference)
        let report = await gateway.enquire(
            enquiresBy.name(recharge.reference, bosReference: bosReference), registerID: recharge.registerID, options)
        let name = enquiresBy.kind(bosReference)
        // Where no recharge was answered yet, what the enquiry finds is the first that it can be calibrated by. Only an answer that names it shows
        // that it exists: an API that shows no data is calibrated by the next recharge that BOS executes.
        if case .found(.succeeded, _, let subject) = report.event, calibrator.calibration(of: recharge.registerID, by: name) == .untried,
            subject.namesRecharge, subject.contradiction(to: recharge, names: recharge.names(bosReference), .untried) == nil
        {
            await calibrator.calibrate(byFound: recharge, bosReference, name)
        }
        let calibration = calibrator.calibration(of: recharge.registerID, by: name)
        return report.map { enquiry in
            switch enquiry {
            case .found(let finding, let answer, let subject): return .enquired(finding, answer, subject, calibration)
            case .unanswered(let reason, let retryAfter): return .enquiryUnanswered(reason, retryAfter: retryAfter)
            case .heldBack(let reason, let retryAfter): return .enquiryHeldBack(reason, retryAfter: retryAfter)
            case .ownCredentialsRefused: return .enquiryUnanswered(.unanswered, retryAfter: nil)
            }
        }
    }
}

struct RechargeStatusCaller: BOSCaller {
    let gateway: any BOSGateway
    let calibrator: EnquiryCalibrator
    let ledger: any Ledger
    let enquiresBy: EngineConfiguration.EnquiryName

    /// BOS is asked as this ledger has sent the recharge, and the answer is held against what this ledger holds after it: a recharge that was
    /// taken up meanwhile counts.
    func ask(for machine: RechargeStatusMachine, _ options: CallOptions) async -> CallReport<RechargeStatusMachine.Event> {
        let before: KnownRecharge?
        do throws(LedgerError) {
            before = try await known(machine.query)
        } catch {
            return CallReport(.heldBack(.unanswered, retryAfter: nil), note: Self.note(error))
        }
        if let before, !machine.mayAsk(about: before) {
            return CallReport(.sentElsewhere(before), note: "not asked: it was sent to \(before.progress.sentTo ?? "")")
        }
        do throws(LedgerError) {
            let registerID = before?.recharge.registerID ?? machine.query.registerID
            let reference = enquiresBy.name(machine.query.reference, bosReference: before?.progress.bosReference)
            let report = await gateway.enquire(reference, registerID: registerID, options)
            let known = try await known(machine.query)
            return report.map { enquiry in
                switch enquiry {
                case .found(let finding, let answer, let subject):
                    .found(
                        finding, answer, subject,
                        calibrator.calibration(of: registerID, by: enquiresBy.kind(before?.progress.bosReference)), known: known)
                case .unanswered(let reason, let retryAfter): .unanswered(reason, retryAfter: retryAfter)
                case .heldBack(let reason, let retryAfter): .heldBack(reason, retryAfter: retryAfter)
                case .ownCredentialsRefused: .ownCredentialsRefused
                }
            }
        } catch {
            return CallReport(.unanswered(.unanswered, retryAfter: nil), note: Self.note(error))
        }
    }

    private static func note(_ error: LedgerError) -> String { "the ledger could not be asked for the recharge: \(error)" }

    private func known(_ query: RechargeStatusQuery) async throws(LedgerError) -> KnownRecharge? {
        guard let record = try await ledger.job(.recharge, reference: query.reference)?.record, case .recharge(let recharge) = record.job
        else {
            return nil
        }
        return KnownRecharge(recharge: recharge, progress: record.progress)
    }
}

struct PANStatusCaller: BOSCaller {
    let gateway: any BOSGateway

    func ask(for machine: PANStatusMachine, _ options: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        await gateway.panStatus(machine.query, options)
    }
}

extension RechargeCaller {
    init(_ context: EngineContext) {
        self.init(gateway: context.gateway, calibrator: context.calibrator, enquiresBy: context.configuration.enquiresBy)
    }
}

extension RechargeStatusCaller {
    init(_ context: EngineContext) {
        self.init(
            gateway: context.gateway, calibrator: context.calibrator, ledger: context.ledger, enquiresBy: context.configuration.enquiresBy)
    }
}

extension PANStatusCaller {
    init(_ context: EngineContext) { self.init(gateway: context.gateway) }
}
