/// Rupees as BOS is sent them, counted in paise so that the books add up exactly.
enum Paise {
    /// Paise of a decimal number with at most two decimals; `nil` for anything else, for zero and for more than nine crore rupees.
    static func parse(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...9).contains(parts[0].utf8.count) else { return nil }
        let decimals = parts.count == 2 ? parts[1] : "00"
        guard (1...2).contains(decimals.utf8.count), parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let rupees = Int64(parts[0]), let fraction = Int64(decimals)
        else { return nil }
        let paise = rupees * 100 + (decimals.utf8.count == 1 ? fraction * 10 : fraction)
        return paise > 0 ? paise : nil
    }
}
