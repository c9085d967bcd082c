/// The exact value of a JSON number: its digits and a power of ten. No floating-point number is involved.
///
/// `10`, `10.0`, `1E+1` and `0.1e2` are the same value. Nothing is computed from the exponent, so `1E+999999999` costs no more than
/// `1`.
package struct ExactDecimal: Sendable, Equatable {
    private let isNegative: Bool
    /// The digits without zeros at either end; empty for zero.
    private let digits: [UInt8]
    /// The value is the digits, as a whole number, times ten to this power; 0 for zero.
    private let exponent: Int

    /// - Parameter number: a number in JSON's spelling (RFC 8259, section 6). Any other text gives `nil`.
    package init?(number: String) {
        guard case .number(let text)? = try? JSONValue.parse(Array(number.utf8)), text == number else { return nil }
        let isNegative = text.hasPrefix("-")
        let parts = text.utf8.dropFirst(isNegative ? 1 : 0).split(maxSplits: 1) { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
        let mantissa = parts[0].split(separator: UInt8(ascii: "."))
        let fraction = mantissa.count > 1 ? mantissa[1].count : 0
        var digits = Array(mantissa.joined())[...]
        var trailing = 0
        while digits.last == UInt8(ascii: "0") {
            digits = digits.dropLast()
            trailing += 1
        }
        digits = digits.drop { $0 == UInt8(ascii: "0") }
        self.digits = Array(digits)
        self.isNegative = isNegative && !digits.isEmpty
        exponent = digits.isEmpty ? 0 : Self.exponent(parts.count > 1 ? String(Substring(parts[1])) : "0") - fraction + trailing
    }

    /// The value times ten to that power, if the product is a whole number that fits, else `nil`. The power 2 turns rupees into paise.
    package func wholeNumber(timesTenToThe power: Int) -> Int64? {
        // Int64 has at most 19 digits.
        wholeDigits(timesTenToThe: power, atMost: 19).flatMap { Int64($0) }
    }

    /// The digits of the value times ten to that power, with a minus sign if negative. `nil` if the product is not a whole number or has
    /// more digits than `limit`.
    package func wholeDigits(timesTenToThe power: Int = 0, atMost limit: Int) -> String? {
        let zeros = exponent + power
        guard digits.isEmpty || (zeros >= 0 && digits.count + zeros <= limit) else { return nil }
        let text = String(decoding: digits, as: UTF8.self) + String(repeating: "0", count: digits.isEmpty ? 1 : zeros)
        return (isNegative ? "-" : "") + text
    }

    /// The exponent, limited to a range that no text's digits can compensate.
    private static func exponent(_ text: String) -> Int {
        let limit = 1_000_000_000
        guard let exponent = Int(text) else { return text.hasPrefix("-") ? -limit : limit }
        return min(max(exponent, -limit), limit)
    }
}
