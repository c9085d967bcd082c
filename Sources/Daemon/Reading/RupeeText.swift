/// Amounts of rupees as people write them in the configuration: `500`, `99.50`. Inside they are paise, never floating-point.
enum RupeeText {
    /// Paise of a decimal number with at most two decimals; `nil` for anything else, and for what does not fit.
    static func parse(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return nil
        }
        let decimals = parts.count == 2 ? String(parts[1]) : ""
        guard decimals.count <= 2, let rupees = Int64(parts[0]) else { return nil }
        let hundredths = Int64(decimals + String(repeating: "0", count: 2 - decimals.count)) ?? 0
        let (paise, hasOverflowed) = rupees.multipliedReportingOverflow(by: 100)
        let (total, hasOverflowedToo) = paise.addingReportingOverflow(hundredths)
        return hasOverflowed || hasOverflowedToo ? nil : total
    }

    /// The amount without needless decimals, for example `100` or `99.50`.
    static func spell(_ paise: Int64) -> String {
        let (rupees, rest) = paise.quotientAndRemainder(dividingBy: 100)
        return rest == 0 ? "\(rupees)" : "\(rupees).\(rest < 10 ? "0" : "")\(rest)"
    }
}
