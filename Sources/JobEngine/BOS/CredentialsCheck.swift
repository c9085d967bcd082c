import JobModel
import Synchronization

/// Tells whether BOS takes the credentials of the configuration, by an enquiry that moves no money. Many who ask at once share one enquiry.
final class CredentialsCheck: Sendable {
    private struct State {
        var isAsking = false
        var endedAt = Duration.zero
        var areTaken: Bool?
    }

    private enum Turn {
        case known(Bool)
        case wait
        case ask
    }

    private let bos: any BOSGateway
    private let merchant: KnownMerchant
    private let clock: any EngineClock
    private let state = Mutex(State())
    private let ends = WakeSignal()

    /// How long an answer holds.
    private static let lifetime = Duration.seconds(1)

    init(_ bos: any BOSGateway, merchant: KnownMerchant, clock: any EngineClock) {
        self.bos = bos
        self.merchant = merchant
        self.clock = clock
    }

    /// `false` also if BOS could not be asked: then a refusal concerns every call, as far as is known.
    func areTaken(_ call: CallOptions) async -> Bool {
        while true {
            switch nextTurn() {
            case .known(let areTaken): return areTaken
            case .wait: await ends.wait { !self.state.withLock(\.isAsking) }
            case .ask:
                let areTaken = await ask(call)
                state.withLock { $0 = State(isAsking: false, endedAt: clock.uptime(), areTaken: areTaken) }
                ends.pulse()
                return areTaken
            }
        }
    }

    private func nextTurn() -> Turn {
        state.withLock { state in
            if let known = state.areTaken, clock.uptime() - state.endedAt < Self.lifetime { return .known(known) }
            if state.isAsking, !Task.isCancelled { return .wait }
            state.isAsking = true
            return .ask
        }
    }

    private func ask(_ call: CallOptions) async -> Bool {
        guard let registerID = merchant.registerID else { return false }
        let report = await bos.enquire(PauseProbe.reference, registerID: registerID, call)
        return switch report.event {
        case .found: true
        case .ownCredentialsRefused: false
        // An answer without a verdict: BOS may answer this question so for ever. Without an answer nothing is known.
        case .unanswered(.unanswered, _): report.isAnswered
        case .unanswered, .heldBack: false
        }
    }
}
