/// An amount of Indian rupees, held as whole paise so that nothing is ever rounded.
package struct Money: Sendable, Hashable, Comparable {
    package let paise: Int64

    package init(paise: Int64) { self.paise = paise }

    /// Reads rupees with at most two decimals that count: `10`, `10.5`, `10.50`, `10.500`.
    ///
    /// Exponents and signs other than a leading minus are not read: nobody writes an amount that way on purpose.
    /// - Returns: `nil` if the text is no such number or does not fit.
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

    /// The amount as BOS takes it: rupees without needless decimals, `10` or `10.50`.
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
