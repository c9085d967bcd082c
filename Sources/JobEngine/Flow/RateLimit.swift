/// How many calls may start per second: a token bucket that holds one second's worth, at least one token, and is full at first.
///
/// Kept as the time at which the bucket will be full again (the generic cell rate algorithm, ITU-T I.371): the same as counting
/// tokens, but in exact arithmetic, so that waiting as long as told is always enough.
package struct RateLimit: Sendable {
    package struct Configuration: Sendable {
        /// Calls per second, more than 0; `nil`: no limit.
        package var perSecond: Double?
        /// From 0 to 1: the share of the bucket that money leaves to questions, which settle doubts and so come first.
        package var moneyReserve = 0.1

        package init(perSecond: Double? = nil) { self.perSecond = perSecond }
    }

    /// How many tokens the bucket holds.
    let burst: Double
    /// What to reserve when taking a token for money: tokens left to questions.
    package let moneyReserve: Double
    /// The time in which one token comes in; zero if there is no limit.
    private let interval: Duration
    /// In uptime: when the bucket will be full if nothing is taken.
    private var full = Duration.zero

    package init(_ configuration: Configuration = Configuration()) {
        precondition(configuration.perSecond ?? 1 > 0, "a rate limit lets something pass")
        burst = max(configuration.perSecond ?? .infinity, 1)
        interval = configuration.perSecond.map { .seconds(1) / $0 } ?? .zero
        moneyReserve = Self.attainable(burst * configuration.moneyReserve, of: burst)
    }

    /// Takes a token if the bucket holds one and `reserve` more.
    /// - Parameter reserve: tokens that must remain for others; taken as what is left of a full bucket without one, if it is more,
    ///   because nothing would ever pass otherwise.
    /// - Returns: zero if it was taken; otherwise nothing was, and the time until it could be, if nobody else takes one before.
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
