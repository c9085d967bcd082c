import AMQP

/// Why a stored reply is not confirmed yet, and when the outbox publishes it again.
struct ReplyTrouble: Sendable {
    /// Whether the reply was published before, to a recipient that has asked again.
    let isRepeat: Bool
    private(set) var attempts: Int
    /// When the outbox publishes the reply again, in the clock's uptime.
    private(set) var dueAt: Duration
    private(set) var error: PublishError

    /// - Parameter earlier: the trouble with the same reply before this attempt.
    init(_ error: PublishError, isRepeat: Bool, after earlier: ReplyTrouble?, at now: Duration) {
        self.error = error
        self.isRepeat = isRepeat
        attempts = earlier?.attempts ?? 0
        if case .notSent = error {} else { attempts += 1 }
        dueAt = now + Self.pause(after: error, attempts: attempts)
    }

    /// Whether the log has to name the reply, because a person must change something before the broker takes it.
    var needsPerson: Bool {
        switch error {
        case .turnedDown, .invalid, .returned: true
        case .notSent, .notAsked, .refused, .outcomeUnknown: false
        }
    }

    /// Whether the broker has refused the reply for the second time. A first refusal may come from a queue that is just moving.
    var isRefusedAgain: Bool { error == .refused && attempts == 2 }

    /// Whether the log has named this trouble with the reply before.
    func repeats(_ earlier: ReplyTrouble?) -> Bool { earlier?.error == error }

    /// The pause before the next attempt. Each attempt doubles it.
    ///
    /// A passing trouble is tried again at once, then after pauses of up to a minute. A message that the broker turns down, or that cannot
    /// be put on the wire, is tried again after a minute, then after pauses of up to a quarter of an hour.
    private static func pause(after error: PublishError, attempts: Int) -> Duration {
        let doublings = min(max(attempts - 1, 0), 10)
        switch error {
        case .notSent: return .zero
        case .turnedDown(let code, _) where code == notFound: return min(.seconds(60), .seconds(1 << doublings))
        case .returned: return min(.seconds(60), .seconds(1 << doublings))
        case .refused, .notAsked, .outcomeUnknown: return attempts <= 1 ? .zero : min(.seconds(60), .milliseconds(500 << doublings))
        case .turnedDown, .invalid: return min(.seconds(900), .seconds(60 << doublings))
        }
    }

    /// AMQP's reply code for a missing exchange. The worker declares its own exchanges again within seconds.
    static let notFound: UInt16 = 404
}
