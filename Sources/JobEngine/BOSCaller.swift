import JobModel

/// Performs the steps of one kind of job against BOS.
protocol BOSCaller: Sendable {
    associatedtype Machine: JobMachine

    func send(_ permit: consuming RetryPermit, _ machine: Machine, _ call: CallOptions) async -> CallReport<Machine.Event>
    func ask(_ machine: Machine, _ call: CallOptions) async -> CallReport<Machine.Event>
}

struct RechargeCaller: BOSCaller {
    let gateway: any BOSGateway

    func send(_ permit: consuming RetryPermit, _ machine: RechargeMachine, _ call: CallOptions) async -> CallReport<RechargeMachine.Event> {
        await gateway.recharge(permit, machine.recharge, call)
    }

    func ask(_ machine: RechargeMachine, _ call: CallOptions) async -> CallReport<RechargeMachine.Event> {
        await gateway.enquire(machine.recharge.reference, registerID: machine.recharge.registerID, call).map { enquiry in
            switch enquiry {
            case .found(let finding, let answer): .enquired(finding, answer)
            case .unanswered(let reason, let retryAfter):
                .enquiryUnanswered(credentialsRefused: reason == .credentialsRefused, retryAfter: retryAfter)
            }
        }
    }
}

struct RechargeStatusCaller: BOSCaller {
    let gateway: any BOSGateway

    /// A question is never given a permit, so nothing leaves.
    func send(
        _ permit: consuming RetryPermit, _ machine: RechargeStatusMachine, _ call: CallOptions
    ) async -> CallReport<RechargeStatusMachine.Event> {
        CallReport(.unanswered(.notSent, retryAfter: nil), note: "a question moves no money")
    }

    func ask(_ machine: RechargeStatusMachine, _ call: CallOptions) async -> CallReport<RechargeStatusMachine.Event> {
        await gateway.enquire(machine.query.reference, registerID: machine.query.registerID, call).map { enquiry in
            switch enquiry {
            case .found(let finding, let answer): .found(finding, answer)
            case .unanswered(let reason, let retryAfter): .unanswered(reason, retryAfter: retryAfter)
            }
        }
    }
}

struct PANStatusCaller: BOSCaller {
    let gateway: any BOSGateway

    /// A question is never given a permit, so nothing leaves.
    func send(_ permit: consuming RetryPermit, _ machine: PANStatusMachine, _ call: CallOptions) async -> CallReport<PANStatusMachine.Event>
    {
        CallReport(.unanswered(.notSent, retryAfter: nil), note: "a question moves no money")
    }

    func ask(_ machine: PANStatusMachine, _ call: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        await gateway.panStatus(machine.query, call)
    }
}
