import JobModel
import Ledger

/// Performs the steps of one kind of job against BOS.
protocol BOSCaller: Sendable {
    associatedtype Machine: JobMachine

    /// Sends the recharge once.
    func send(_ permit: consuming RetryPermit, for machine: Machine, options: CallOptions) async -> CallReport<Machine.Event>
    /// Sends the machine's enquiry or query.
    func enquire(for machine: Machine, options: CallOptions) async -> CallReport<Machine.Event>
}

extension BOSCaller {
    /// The machine of a query makes no permit. If it made one by mistake, a query would be sent, which moves no money.
    func send(_ permit: consuming RetryPermit, for machine: Machine, options: CallOptions) async -> CallReport<Machine.Event> {
        await enquire(for: machine, options: options)
    }
}

struct RechargeCaller: BOSCaller {
    let gateway: any BOSGateway
    let calibrator: EnquiryCalibrator
    let enquiresBy: EngineConfiguration.EnquiryName

    func send(
        _ permit: consuming RetryPermit, for machine: RechargeMachine, options: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        let report = await gateway.recharge(machine.recharge, permit: permit, options: options)
        if case .answered(.done, _, let bosReference) = report.event, machine.recharge.canBeNamed(bosReference) {
            calibrator.recordExecution(of: machine.recharge, bosReference: bosReference)
        }
        return report
    }

    func enquire(for machine: RechargeMachine, options: CallOptions) async -> CallReport<RechargeMachine.Event> {
        let (recharge, bosReference) = (machine.recharge, machine.progress.bosReference)
        let report = await gateway.enquire(
            enquiresBy.name(recharge.reference, bosReference: bosReference), registerID: recharge.registerID, options: options)
        let name = enquiresBy.kind(bosReference)
        // As long as the enquiry is untried, it is calibrated with the recharge that it has just found. Only an answer that names the recharge shows
        // that it exists. An API whose answers contain no data is calibrated with the next recharge that BOS executes.
        if case .found(.succeeded, _, let subject) = report.event, calibrator.calibration(of: recharge.registerID, by: name) == .untried,
            subject.namesRecharge,
            subject.contradiction(to: recharge, names: recharge.names(bosReference: bosReference), calibration: .untried) == nil
        {
            await calibrator.calibrate(byFound: recharge, bosReference: bosReference, name: name)
        }
        let calibration = calibrator.calibration(of: recharge.registerID, by: name)
        return report.map { enquiry in
            switch enquiry {
            case .found(let finding, let answer, let subject):
                return .enquired(EnquiryReport(finding, answer: answer, subject: subject, calibration: calibration))
            case .unanswered(let reason, let retryAfter): return .enquiryUnanswered(reason, retryAfter: retryAfter)
            case .deferred(let reason, let retryAfter): return .enquiryDeferred(reason, retryAfter: retryAfter)
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

    /// The enquiry uses the name and the merchant with which this ledger's recharge was sent. The answer is compared with the ledger as it is after
    /// the enquiry, so that a recharge that was accepted meanwhile counts.
    func enquire(for machine: RechargeStatusMachine, options: CallOptions) async -> CallReport<RechargeStatusMachine.Event> {
        let before: KnownRecharge?
        do throws(LedgerError) {
            before = try await known(machine.query)
        } catch {
            return CallReport(.deferred(.unanswered, retryAfter: nil), note: Self.note(error))
        }
        if let before, !machine.mayEnquire(about: before) {
            return CallReport(.sentElsewhere(before), note: "no enquiry: the recharge was sent to \(before.progress.sentTo ?? "")")
        }
        do throws(LedgerError) {
            let registerID = before?.recharge.registerID ?? machine.query.registerID
            let reference = enquiresBy.name(machine.query.reference, bosReference: before?.progress.bosReference)
            let report = await gateway.enquire(reference, registerID: registerID, options: options)
            let known = try await known(machine.query)
            return report.map { enquiry in
                switch enquiry {
                case .found(let finding, let answer, let subject):
                    .found(
                        EnquiryReport(
                            finding, answer: answer, subject: subject,
                            calibration: calibrator.calibration(of: registerID, by: enquiresBy.kind(before?.progress.bosReference))),
                        known: known)
                case .unanswered(let reason, let retryAfter): .unanswered(reason, retryAfter: retryAfter)
                case .deferred(let reason, let retryAfter): .deferred(reason, retryAfter: retryAfter)
                case .ownCredentialsRefused: .ownCredentialsRefused
                }
            }
        } catch {
            return CallReport(.unanswered(.unanswered, retryAfter: nil), note: Self.note(error))
        }
    }

    private static func note(_ error: LedgerError) -> String { "the ledger could not be read for the recharge: \(error)" }

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

    func enquire(for machine: PANStatusMachine, options: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        await gateway.panStatus(machine.query, options: options)
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
