/// Random numbers that depend on the seed alone: SplitMix64 (Steele, Lea and Flood, 2014). For jitter and simulations, never for secrets.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    /// The step of the counter. Each number is a hash of the counter.
    package static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    private var counter: UInt64

    package init(seed: UInt64) { counter = seed }

    package mutating func next() -> UInt64 {
        counter &+= Self.increment
        return Self.number(at: counter)
    }

    /// The number for a counter that is kept elsewhere, such as one that threads share.
    package static func number(at counter: UInt64) -> UInt64 {
        var bits = (counter ^ (counter >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
