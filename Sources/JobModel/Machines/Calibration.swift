/// How the enquiry behaved when the worker enquired about a recharge that certainly exists.
///
/// A calibration holds for one process, one configuration and one merchant. Source: bos-api.md#when-an-enquiry-settles-a-doubt, and
/// bos-api.md#what-clients-show, points 2, 3 and 5.
package enum Calibration: Sendable, Equatable {
    /// The worker has not enquired about such a recharge yet.
    case untried
    /// The enquiry did not find such a recharge. Its "not found" proves nothing then, nor does a "found" that names no recharge.
    case blind
    /// The enquiry finds recharges that were never sent. Only an answer that names this recharge is evidence then.
    case credulous
    /// The enquiry found the recharge.
    /// - Parameters:
    ///   - showsData: its answer contained `data`. An answer without `data` is no evidence then.
    ///   - hasOwnNumbers: its answer contained a number assigned by BOS as `refid`.
    case passed(showsData: Bool, hasOwnNumbers: Bool)

    /// Whether a "not found" of this enquiry is evidence.
    package var findsRecharges: Bool {
        if case .passed = self { return true }
        return false
    }

    var showsData: Bool {
        self == .passed(showsData: true, hasOwnNumbers: true) || self == .passed(showsData: true, hasOwnNumbers: false)
    }

    /// One clause for people.
    package var explanation: String {
        switch self {
        case .untried: "the enquiry was not yet seen to find a recharge that exists"
        case .blind: "the enquiry did not find a recharge that BOS has executed"
        case .credulous: "the enquiry also finds recharges that were never sent"
        case .passed: "the enquiry was seen to find a recharge that exists"
        }
    }
}

/// The identifying values in an answer of BOS, as BOS sent them. A value is `nil` if the answer does not contain it.
package struct Subject: Sendable, Equatable {
    /// `refid`: our reference, or a number assigned by BOS.
    package var reference: String?
    /// `canumber`. It must never be logged.
    package var subscriber: String?
    /// `amount` in rupees.
    package var amount: String?
    /// Whether the answer contains `data` at all.
    package var hasData: Bool

    package init(reference: String? = nil, subscriber: String? = nil, amount: String? = nil, hasData: Bool = false) {
        self.reference = reference
        self.subscriber = subscriber
        self.amount = amount
        self.hasData = hasData
    }
}

extension Subject: CustomStringConvertible, CustomReflectable {
    /// Lists the names of the values, never the values, because the subscriber number is confidential.
    package var description: String {
        let names = [("refid", reference), ("canumber", subscriber), ("amount", amount)].filter { $0.1 != nil }.map(\.0)
        return names.isEmpty ? "no recharge named" : "named by \(names.joined(separator: ", "))"
    }
    package var customMirror: Mirror { Mirror(self, children: ["names": description]) }
}

extension Subject {
    /// Whether the answer identifies a recharge. An amount alone does not: many recharges have the same amount.
    package var namesRecharge: Bool { reference != nil || subscriber != nil }

    /// Why the answer cannot be about the recharge; `nil` if it can.
    /// - Parameters:
    ///   - names: the names of the recharge at BOS (``Recharge/names(bosReference:)``).
    ///   - calibration: see ``contradiction(toNames:calibration:)``.
    /// - Returns: one clause without a subscriber number.
    package func contradiction(to recharge: Recharge, names: [String], calibration: Calibration) -> String? {
        contradiction(to: recharge) ?? contradiction(toNames: names, calibration: calibration)
    }

    /// Why the answer cannot be about a recharge of this subscriber and amount; `nil` if it can. The clause has no subscriber number.
    func contradiction(to recharge: Recharge) -> String? {
        if let subscriber, !Self.isSame(subscriber, as: recharge.subscriber) { return "it names another subscriber" }
        if let amount {
            guard let named = Money(rupees: Self.trimmed(amount)) else { return "it names an amount that cannot be read" }
            if named != recharge.amount { return "it names an amount of \(named.rupees) rupees, not \(recharge.amount.rupees)" }
        }
        return nil
    }

    /// Why the reference in the answer is not a name of the recharge; `nil` if it is one, or if the answer contains no reference.
    /// - Parameters:
    ///   - names: the names of the recharge at BOS.
    ///   - calibration: an unknown number can only be this recharge's if the API was seen to assign numbers.
    func contradiction(toNames names: [String], calibration: Calibration) -> String? {
        guard let reference, !names.contains(where: { $0.utf8.elementsEqual(reference.utf8) }) else { return nil }
        guard case .passed(_, hasOwnNumbers: true) = calibration else {
            return "it names another reference, and this API was not seen to use numbers of its own"
        }
        guard names.count == 1, reference.isBOSNumber else { return "it names another reference" }
        // An unknown number alone could belong to any recharge. Only the subscriber ties the answer to this one.
        return subscriber == nil ? "it names a number of BOS's own and no subscriber" : nil
    }

    /// The calibration that this answer proves. The worker had enquired about a recharge that was certainly executed.
    /// - Parameters:
    ///   - recharge: the executed recharge.
    ///   - bosReference: the number that BOS assigned to it, if known.
    /// - Returns: `nil` if the answer is not about that recharge.
    package func calibration(by recharge: Recharge, bosReference: String?) -> Calibration? {
        guard contradiction(to: recharge) == nil else { return nil }
        let names = recharge.names(bosReference: bosReference)
        let isOurs = reference == nil || reference.map { named in recharge.reference.utf8.elementsEqual(named.utf8) } == true
        if !isOurs, !names.contains(where: { $0 == reference }), subscriber == nil || reference?.isBOSNumber != true { return nil }
        return .passed(showsData: hasData, hasOwnNumbers: !isOurs)
    }

    private static func isSame(_ one: String, as other: String) -> Bool { trimmed(one).utf8.elementsEqual(trimmed(other).utf8) }

    private static func trimmed(_ text: String) -> String { String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

extension Recharge {
    /// The names under which BOS knows the recharge: our reference, and the number that BOS assigned, if known.
    package func names(bosReference: String?) -> [String] { [reference] + (bosReference.map { [$0] } ?? []) }

    /// Whether an answer to `DoRecharge` can belong to this recharge.
    /// - Parameter bosReference: the answer's `refid`.
    package func canBeNamed(_ bosReference: String?) -> Bool { bosReference.map { $0 == reference || $0.isBOSNumber } ?? true }
}

extension String {
    /// Whether this can be a number that BOS assigned to a recharge. All numbers seen so far consist of digits
    /// (bos-api.md#what-clients-show, points 2 and 9).
    package var isBOSNumber: Bool { !isEmpty && utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
}
