/// How many calls may start per second: a token bucket that holds one second's worth of tokens, at least one, and is full at first.
///
/// The bucket is kept as the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371). That equals counting
/// tokens, but in exact arithmetic: waiting for the returned time is always enough.
package struct RateLimit: Sendable {
    package struct Configuration: Sendable {
        /// Calls per second, more than 0; `nil`: no limit.
        package var perSecond: Double?
        /// The share of the bucket that recharges leave to questions, from 0 to 1. Questions resolve doubts, so they come first.
        package var moneyReserve = 0.1

        package init(perSecond: Double? = nil) { self.perSecond = perSecond }
    }

    /// How many tokens the bucket holds.
    let burst: Double
    /// How many tokens a recharge leaves to questions: the reserve to pass to ``take(reserving:at:)``.
    package let moneyReserve: Double
    /// The time in which one token comes in; zero if there is no limit.
    private let interval: Duration
    /// When the bucket will be full if no token is taken, in the clock's uptime.
    private var full = Duration.zero

    /// - Precondition: the rate is more than zero.
    package init(_ configuration: Configuration = Configuration()) {
        precondition(configuration.perSecond ?? 1 > 0, "the rate must be more than zero")
        burst = max(configuration.perSecond ?? .infinity, 1)
        interval = configuration.perSecond.map { .seconds(1) / $0 } ?? .zero
        moneyReserve = Self.attainable(burst * configuration.moneyReserve, of: burst)
    }

    /// Takes a token if the bucket holds one and `reserve` more.
    /// - Parameter reserve: tokens that must remain in the bucket. A reserve that a full bucket could not keep after giving one token is
    ///   lowered to what it could keep, because no call would ever pass otherwise.
    /// - Returns: zero if a token was taken. Otherwise none was, and the result is the time until one can be taken, if no other call takes
    ///   one before.
    package mutating func take(reserving reserve: Double = 0, at now: Duration) -> Duration {
        guard interval > .zero else { return .zero }
        // The bucket lacks (full - now) / interval tokens. It may lack this many and still hold 1 + reserve.
        let tolerated = interval * (burst - 1 - Self.attainable(reserve, of: burst))
        let wait = full - tolerated - now
        guard wait <= .zero else { return wait }
        full = max(full, now) + interval
        return .zero
    }

    private static func attainable(_ reserve: Double, of burst: Double) -> Double { min(max(reserve, 0), burst - 1) }
}
