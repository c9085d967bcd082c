import JobModel
import Synchronization

/// Checks by an enquiry whether BOS accepts the credentials of the configuration. Concurrent checks share one enquiry.
final class CredentialsCheck: Sendable {
    private struct State {
        var isEnquiring = false
        var endedAt = Duration.zero
        var areTaken: Bool?
    }

    private enum Turn {
        case known(Bool)
        case wait
        case enquire
    }

    private let bos: any BOSGateway
    private let merchant: KnownMerchant
    private let clock: any EngineClock
    private let state = Mutex(State())
    private let ends = WakeSignal()

    /// How long a result holds.
    private static let lifetime = Duration.seconds(1)

    init(_ bos: any BOSGateway, merchant: KnownMerchant, clock: any EngineClock) {
        self.bos = bos
        self.merchant = merchant
        self.clock = clock
    }

    /// Whether BOS accepts the credentials. Also `false` if BOS gave no answer: then a refusal may concern every call.
    func areTaken(_ options: CallOptions) async -> Bool {
        while true {
            switch nextTurn() {
            case .known(let areTaken): return areTaken
            case .wait: await ends.wait { !self.state.withLock(\.isEnquiring) }
            case .enquire:
                let areTaken = await enquire(options)
                state.withLock { $0 = State(isEnquiring: false, endedAt: clock.uptime(), areTaken: areTaken) }
                ends.pulse()
                return areTaken
            }
        }
    }

    private func nextTurn() -> Turn {
        state.withLock { state in
            if let known = state.areTaken, clock.uptime() - state.endedAt < Self.lifetime { return .known(known) }
            if state.isEnquiring, !Task.isCancelled { return .wait }
            state.isEnquiring = true
            return .enquire
        }
    }

    private func enquire(_ options: CallOptions) async -> Bool {
        guard let registerID = merchant.registerID else { return false }
        let report = await bos.enquire(PauseProbe.reference, registerID: registerID, options: options)
        return switch report.event {
        case .found: true
        case .ownCredentialsRefused: false
        // BOS answered without a finding. It may always answer this enquiry so, and it has accepted the credentials.
        case .unanswered(.unanswered, _): report.isAnswered
        case .unanswered, .deferred: false
        }
    }
}
