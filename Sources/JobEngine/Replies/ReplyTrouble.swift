import AMQP

/// Why a stored reply is not published yet, and when it is tried again.
struct ReplyTrouble: Sendable {
    /// Whether the reply was published before, for an asker that asked again.
    let isRepeat: Bool
    private(set) var attempts: Int
    /// When it is tried again, in the clock's uptime.
    private(set) var dueAt: Duration
    private(set) var error: PublishError

    /// - Parameter earlier: the trouble with the same reply before this attempt.
    init(_ error: PublishError, isRepeat: Bool, after earlier: ReplyTrouble?, at now: Duration) {
        self.error = error
        self.isRepeat = isRepeat
        attempts = earlier?.attempts ?? 0
        if case .notSent = error {} else { attempts += 1 }
        dueAt = now + Self.pause(error, attempts)
    }

    /// Whether the log has to name the reply: a person must change something before the broker takes it.
    var needsPerson: Bool {
        switch error {
        case .turnedDown, .invalid, .returned: true
        case .notSent, .notAsked, .refused, .outcomeUnknown: false
        }
    }

    /// Whether the broker has refused it again: one that is refused once may only have met a queue that moves.
    var isRefusedAgain: Bool { error == .refused && attempts == 2 }

    /// Whether the log has said the same of the reply before.
    func isTold(by earlier: ReplyTrouble?) -> Bool { earlier?.error == error }

    /// What can pass by itself is tried again at once and then after pauses of up to a minute. A message that the broker turns down, or that cannot be put
    /// on the wire, is tried again after a minute and then after pauses of up to a quarter of an hour. Each doubles.
    private static func pause(_ error: PublishError, _ attempts: Int) -> Duration {
        let doublings = min(max(attempts - 1, 0), 10)
        switch error {
        case .notSent: return .zero
        case .turnedDown(let code, _) where code == notFound: return min(.seconds(60), .seconds(1 << doublings))
        case .returned: return min(.seconds(60), .seconds(1 << doublings))
        case .refused, .notAsked, .outcomeUnknown: return attempts <= 1 ? .zero : min(.seconds(60), .milliseconds(500 << doublings))
        case .turnedDown, .invalid: return min(.seconds(900), .seconds(60 << doublings))
        }
    }

    /// AMQP's code for an exchange that is missing: the worker declares its own again within seconds.
    static let notFound: UInt16 = 404
}
