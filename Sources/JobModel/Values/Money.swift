/// An amount of Indian rupees, kept in whole paise, so that no amount is ever rounded.
package struct Money: Sendable, Hashable, Comparable {
    package let paise: Int64

    package init(paise: Int64) { self.paise = paise }

    /// Reads rupees with at most two decimals, not counting zeros at the end: `10`, `10.5`, `10.50`, `10.500`.
    ///
    /// Exponents are not read, nor signs other than a leading minus: an amount that is written so is a mistake.
    /// - Returns: `nil` if the text is no such number, or is too large.
    package init?(rupees text: String) {
        let isNegative = text.hasPrefix("-")
        let parts = text.dropFirst(isNegative ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, Self.isDigits(whole) else { return nil }
        var decimals = parts.count == 2 ? parts[1] : "0"
        guard Self.isDigits(decimals) else { return nil }
        while decimals.count > 2, decimals.last == "0" { decimals.removeLast() }
        guard decimals.count <= 2, let rupees = Int64(whole), var paise = Int64(decimals) else { return nil }
        if decimals.count == 1 { paise *= 10 }
        let (product, overflowed) = rupees.multipliedReportingOverflow(by: 100)
        let (sum, overflowedAgain) = product.addingReportingOverflow(paise)
        guard !overflowed, !overflowedAgain else { return nil }
        self.paise = isNegative ? -sum : sum
    }

    /// The amount as BOS expects it: rupees with two decimals or none, `10.50` or `10`.
    package var rupees: String {
        let magnitude = paise.magnitude
        let decimals = magnitude % 100
        let sign = paise < 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(magnitude / 100)" }
        return "\(sign)\(magnitude / 100).\(decimals < 10 ? "0" : "")\(decimals)"
    }

    package static func < (left: Money, right: Money) -> Bool { left.paise < right.paise }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
