internal import JobModel

/// The row that BOS keeps of one recharge.
struct RechargeRecord: Sendable, Equatable {
    var reference: String
    /// BOS's own number of it: six digits.
    var number: String
    var operatorID: String
    var subscriber: String
    var paise: Int64
    /// Since the start.
    var executedAt = Duration.zero
    /// An enquiry finds it from then on; since the start.
    var knownFrom = Duration.zero
    /// It is pending until then; since the start.
    var doneFrom = Duration.zero

    /// What another system of the merchant has bought under this reference.
    static func usedBefore(_ reference: String, number: String) -> RechargeRecord {
        RechargeRecord(reference: reference, number: number, operatorID: "18", subscriber: "9999900000", paise: 4900)
    }

    /// Another customer's recharge.
    static let other = RechargeRecord(
        reference: "1000000000001", number: "999999", operatorID: "18", subscriber: "9999900000", paise: 5000)

    // MARK: Made-up numbers: the same for a reference in every run

    var givenOperatorID: String { Self.digits(for: "operatorid", of: reference) }
    var acknowledgement: String { Self.digits(for: "ackno", of: reference) }

    /// The number of its own that BOS tries to give a reference at first, or after so many that were taken.
    static func ownNumber(of reference: String, attempt: Int) -> String {
        var generator = SeededGenerator(seed: 0, purpose: "refid", reference: reference, number: attempt)
        // Six digits are seen; more only where so many recharges have taken all of them.
        return attempt < 100 ? "\(generator.next() % 900_000 + 100_000)" : "\(generator.next())"
    }

    // MARK: Money: rupees as BOS is sent them, counted in paise so that the books add up exactly

    /// Paise of a decimal number with at most two decimals; `nil` for anything else, for zero and for more than nine crore rupees.
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
