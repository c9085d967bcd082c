internal import JobModel

/// BOS's record of one recharge. Its times count from the start of the simulator.
struct RechargeRecord: Sendable, Equatable {
    var reference: String
    /// BOS's own number of the recharge: six digits, or more when those are used up.
    var number: String
    var operatorID: String
    var subscriber: String
    var paise: Int64
    var executedAt = Duration.zero
    /// When enquiries begin to find it.
    var knownFrom = Duration.zero
    /// When it stops being pending.
    var doneFrom = Duration.zero

    /// The recharge that another system of the merchant has bought under this reference.
    static func usedBefore(_ reference: String, number: String) -> RechargeRecord {
        RechargeRecord(reference: reference, number: number, operatorID: "18", subscriber: "9999900000", paise: 4900)
    }

    /// Another customer's recharge.
    static let other = RechargeRecord(
        reference: "1000000000001", number: "999999", operatorID: "18", subscriber: "9999900000", paise: 5000)

    // MARK: Invented numbers, the same for a reference in every run

    var givenOperatorID: String { Self.digits(for: "operatorid", of: reference) }
    var acknowledgement: String { Self.digits(for: "ackno", of: reference) }

    /// The number that BOS gives a reference.
    /// - Parameter attempt: how many numbers were tried before and belonged to other references.
    static func ownNumber(of reference: String, attempt: Int) -> String {
        var generator = SeededGenerator(seed: 0, purpose: "refid", reference: reference, number: attempt)
        // Real numbers have six digits. Longer ones are used only when the six-digit ones run out.
        return attempt < 100 ? "\(generator.next() % 900_000 + 100_000)" : "\(generator.next())"
    }

    // MARK: Money: callers send rupees; the books count paise, so that sums are exact

    /// The paise of an amount in rupees with at most nine digits and two decimals; `nil` for any other text and for zero.
    static func paise(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...9).contains(parts[0].utf8.count) else { return nil }
        let decimals = parts.count == 2 ? parts[1] : "00"
        guard (1...2).contains(decimals.utf8.count), parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let rupees = Int64(parts[0]), let fraction = Int64(decimals)
        else { return nil }
        let paise = rupees * 100 + (decimals.utf8.count == 1 ? fraction * 10 : fraction)
        return paise > 0 ? paise : nil
    }

    private static func digits(for purpose: String, of reference: String) -> String {
        var generator = SeededGenerator(seed: 0, purpose: purpose, reference: reference, number: 0)
        return "\(generator.next() % 9_000_000_000 + 1_000_000_000)"
    }
}
