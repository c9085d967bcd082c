import JobEngine
import JobModel
import Ledger
import Synchronization

/// What a process remembers about its calls to BOS.
struct CallMemory {
    /// When the process last fetched a token, in milliseconds since the start.
    var renewedAt: Int64?

    // MARK: For planted bugs

    /// The codes with which BOS refused recharges, by reference.
    var refusals: [String: Int] = [:]
    /// Whether BOS has refused the credentials of a job.
    var hasRefusedCredentials = false
    /// Whether the process publishes no more messages.
    var isSilenced = false
}

extension SimulatedProcess: BOSGateway {
    func recharge(
        _ permit: consuming RetryPermit, _ recharge: Recharge, _ call: CallOptions
    ) async -> CallReport<RechargeMachine.Event> {
        guard survives() else { return CallReport(.notTaken(.notSent), note: "dead") }
        world.note("\(name) sends \(recharge.reference) to the \(destination) API (\(permit.proof.rawValue))")
        let report = await gateway.recharge(permit, recharge, call)
        guard isAlive, let bug = world.bug else { return report }
        return await planting(bug, into: report, of: recharge)
    }

    func enquire(_ reference: String, registerID: String, _ call: CallOptions) async -> CallReport<Enquiry> {
        guard survives() else { return CallReport(.unanswered(.unanswered, retryAfter: nil), note: "dead") }
        let report = await gateway.enquire(reference, registerID: registerID, call)
        guard let bug = world.bug else { return report }
        return planting(bug, into: report, about: reference)
    }

    func panStatus(_ query: PANStatusQuery, _ call: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        guard survives() else { return CallReport(.unanswered(.unanswered, retryAfter: nil), note: "dead") }
        let report = await gateway.panStatus(query, call)
        switch (world.bug, report.event) {
        case (.panUnknownWordCompleted, .found(.pending, let answer)) where !answer.message.lowercased().contains("under process"):
            return CallReport(.found(.completed, answer), note: "planted")
        case (.panRefusalIsFinal, .found(.pending, let answer)) where answer.status == false:
            return CallReport(.found(.failed(isDuplicate: false), answer), note: "planted")
        case (.panRefusalIsFinal, .unanswered(.unanswered, _)):
            return CallReport(.found(.failed(isDuplicate: false), Answer(httpStatus: 200)), note: "planted")
        default: return report
        }
    }

    /// Fetches a new token, at most once in ten seconds.
    func renewCredentials() async -> Bool {
        memory.withLock { state in
            guard state.renewedAt.map({ world.elapsed - $0 >= 10_000 }) ?? true else { return false }
            state.renewedAt = world.elapsed
            return true
        }
    }
}

// MARK: - Planted bugs

extension SimulatedProcess {
    private func planting(
        _ bug: PlantedBug, into report: CallReport<RechargeMachine.Event>, of recharge: Recharge
    ) async -> CallReport<RechargeMachine.Event> {
        switch (bug, report.event) {
        case (.resendOnTimeout, .unknown):
            let call = ModelBOS.Call(recharge: recharge, destination: destination)
            _ = await environment.bos.recharge(call) { isAlive }
            return report
        case (.timeoutIsNotSent, .unknown): return CallReport(.notTaken(.notSent), note: "planted")
        case (.postponedIsRefused, .notTaken(.postponed)):
            return CallReport(.answered(.refused(isFinal: true), Answer(httpStatus: 200, responseCode: 6)), note: "planted")
        case (.refusalEchoBelieved, .answered(.refused(false), let answer, _)):
            memory.withLock { $0.refusals[recharge.reference] = answer.responseCode }
            return report
        case (.oneRefusalStopsAll, .notTaken(.credentialsRefused)):
            memory.withLock { $0.hasRefusedCredentials = true }
            return report
        default: return report
        }
    }

    private func planting(_ bug: PlantedBug, into report: CallReport<Enquiry>, about name: String) -> CallReport<Enquiry> {
        let asked = asked(name)
        switch (bug, report.event) {
        case (.identityNotCompared, .found(let finding, let answer, let subject)):
            let meant = Subject(reference: name, subscriber: asked?.subscriber, amount: asked?.amount.rupees, hasData: subject.hasData)
            return CallReport(.found(finding, answer, meant), note: "planted")
        case (.namelessAnswerBelieved, .found(let finding, let answer, let subject)) where !subject.hasData:
            return CallReport(.found(finding, answer, Subject(reference: name, hasData: true)), note: "planted")
        case (.duplicateBelieved, .found(let finding, let answer, var subject)) where subject.subscriber == nil:
            subject.subscriber = asked?.subscriber
            return CallReport(.found(finding, answer, subject), note: "planted")
        case (.refusalEchoBelieved, .found(.declined, let answer, _))
        where answer.responseCode == memory.withLock { $0.refusals[Conditions.reference(named: name)] }:
            return CallReport(.found(.failed(refunded: false), answer, Subject(reference: name, hasData: true)), note: "planted")
        case (.oneRefusalStopsAll, _) where asked == nil && memory.withLock(\.hasRefusedCredentials):
            return CallReport(.unanswered(.credentialsRefused, retryAfter: nil), note: "planted")
        default: return report
        }
    }

    /// The recharge in the ledger that an enquiry is about.
    private func asked(_ name: String) -> Recharge? {
        let reference = Conditions.reference(named: name)
        for case .recharge(let recharge) in environment.ledger.records.lazy.map(\.job) where recharge.reference == reference {
            return recharge
        }
        return nil
    }
}

/// For planted bugs: an enquiry that passes the whole calibration, or only the part about a recharge that does not exist.
struct PassingCalibration: BOSGateway {
    let process: SimulatedProcess

    func recharge(
        _ permit: consuming RetryPermit, _ recharge: Recharge, _ call: CallOptions
    ) async -> CallReport<RechargeMachine.Event> { await process.recharge(permit, recharge, call) }

    func enquire(_ reference: String, registerID: String, _ call: CallOptions) async -> CallReport<Enquiry> {
        let isKnown = process.environment.ledger.records.contains { $0.job.reference == Conditions.reference(named: reference) }
        if isKnown, process.world.bug == .credulousEnquiryBelieved { return await process.enquire(reference, registerID: registerID, call) }
        let answer = Answer(httpStatus: 200)
        return CallReport(isKnown ? .found(.succeeded, answer, Subject()) : .found(.notFound, answer, Subject()), note: "planted")
    }

    func panStatus(_ query: PANStatusQuery, _ call: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        await process.panStatus(query, call)
    }

    func renewCredentials() async -> Bool { await process.renewCredentials() }
}
