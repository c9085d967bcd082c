import JobModel
import Ledger
import Synchronization

@testable import JobEngine

/// A BOS that answers from a script and records the calls. The last line of a script repeats for ever.
final class ScriptedBOS: BOSGateway {
    struct Script: Sendable {
        var recharges: [RechargeMachine.Event] = [.answered(.done, ScriptedBOS.answer)]
        var enquiries: [Enquiry] = [.found(.succeeded, ScriptedBOS.answer)]
        var panAnswers: [PANStatusMachine.Event] = [.found(.completed, ScriptedBOS.answer)]
        var renewals: [Bool] = [false]
        /// The answer to the enquiry by which the worker finds out whether BOS accepts the configured credentials.
        var probe = Enquiry.found(.notFound, ScriptedBOS.answer)
        /// The HTTP status of that answer. `nil`: nothing came from BOS.
        var probeStatus: Int?

        /// BOS refuses the credentials of every call.
        static var refusingAll: Script {
            var script = Script()
            script.recharges = [.notTaken(.credentialsRefused)]
            script.probe = .unanswered(.credentialsRefused, retryAfter: nil)
            return script
        }
        /// Runs inside each call that moves money, before it is answered.
        var duringRecharge: @Sendable (Recharge) async -> Void = { _ in }
        /// Runs inside each enquiry about a recharge, before it is answered.
        var duringEnquiry: @Sendable (_ reference: String) async -> Void = { _ in }
    }

    static let answer = Answer(
        httpStatus: 200, responseCode: 1, status: true, message: "done", operatorID: "1111122233", acknowledgement: "11224445565")

    struct Calls: Sendable, Equatable {
        var recharges: [String] = []
        var proofs: [RetryPermit.Proof] = []
        var enquiries: [String] = []
        var panChecks: [String] = []
        var traceparents: [String?] = []
    }

    private struct State {
        var script: Script
        var calls = Calls()
    }

    private let state: Mutex<State>

    init(_ script: Script = Script()) { state = Mutex(State(script: script)) }

    var calls: Calls { state.withLock { $0.calls } }

    func play(_ script: Script) { state.withLock { $0.script = script } }

    func recharge(_ recharge: Recharge, permit: consuming RetryPermit, options: CallOptions) async -> CallReport<
        RechargeMachine.Event
    > {
        let proof = permit.proof
        let (event, during) = state.withLock { state in
            state.calls.recharges.append(recharge.reference)
            state.calls.proofs.append(proof)
            state.calls.traceparents.append(options.traceparent)
            return (Self.next(&state.script.recharges), state.script.duringRecharge)
        }
        await during(recharge)
        return CallReport(event, note: "DoRecharge: scripted")
    }

    func enquire(_ reference: String, registerID: String, options: CallOptions) async -> CallReport<Enquiry> {
        let note = "RechargesStatus: scripted"
        if reference == PauseProbe.reference {
            let script = state.withLock(\.script)
            let sighting = script.probeStatus.map { CodeSighting(.enquiry, answer: Answer(httpStatus: $0)) }
            return CallReport(script.probe, note: note, sighting: sighting)
        }
        let (event, during) = state.withLock { state in
            state.calls.enquiries.append(reference)
            return (Self.next(&state.script.enquiries), state.script.duringEnquiry)
        }
        await during(reference)
        return CallReport(event, note: note)
    }

    func panStatus(_ query: PANStatusQuery, options: CallOptions) async -> CallReport<PANStatusMachine.Event> {
        state.withLock { state in
            state.calls.panChecks.append(query.reference)
            return CallReport(Self.next(&state.script.panAnswers), note: "Status: scripted")
        }
    }

    func renewCredentials() async -> Bool { state.withLock { Self.next(&$0.script.renewals) } }

    private static func next<Line>(_ lines: inout [Line]) -> Line {
        lines.count > 1 ? lines.removeFirst() : lines[0]
    }
}
