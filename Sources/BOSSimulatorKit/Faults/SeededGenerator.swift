/// Random numbers that depend on nothing but their seed: SplitMix64 over an FNV-1a hash of what is being decided.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64, _ purpose: String, _ reference: String, _ number: Int) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in purpose.utf8 { mix(byte) }
        mix(0xFF)
        for byte in reference.utf8 { mix(byte) }
        mix(0xFF)
        state = hash ^ (seed &* 0x9e37_79b9_7f4a_7c15) ^ (UInt64(bitPattern: Int64(number)) &* 0xd1b5_4a32_d192_ed03)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// A number from 0 up to but not including 1.
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
}
