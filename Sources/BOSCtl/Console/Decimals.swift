/// Numbers for people.
enum Decimals {
    /// A number that is not negative, with so many digits behind the point (3 at most).
    static func text(_ number: Double, _ decimals: Int) -> String {
        let factor: Int64 = [1, 10, 100, 1000][min(decimals, 3)]
        let rounded = Int64((number * Double(factor)).rounded())
        guard decimals > 0 else { return String(rounded) }
        let fraction = String(rounded % factor)
        return "\(rounded / factor)." + String(repeating: "0", count: max(0, decimals - fraction.count)) + fraction
    }
}
