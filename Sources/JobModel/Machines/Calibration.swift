/// What the enquiry was seen to do when the worker asked about a recharge that certainly exists.
///
/// One calibration holds for one process, one configuration and one merchant. Source: bos-api.md#when-an-enquiry-settles-a-doubt, and bos-api.md#what-clients-show, points 2, 3 and 5.
package enum Calibration: Sendable, Equatable {
    /// The worker has not asked about such a recharge yet.
    case untried
    /// The enquiry did not find such a recharge. "Not found" means nothing then, nor does "found" that names no recharge.
    case blind
    /// The enquiry finds recharges that were never sent. Only an answer that names this recharge counts then.
    case credulous
    /// The enquiry found the recharge.
    /// - Parameters:
    ///   - showsData: its answer carried `data`. An answer without `data` decides nothing then.
    ///   - hasOwnNumbers: its answer carried a number of BOS's own as `refid`.
    case passed(showsData: Bool, hasOwnNumbers: Bool)

    /// Whether "not found" from this enquiry may be believed.
    package var findsRecharges: Bool {
        if case .passed = self { return true }
        return false
    }

    fileprivate var showsData: Bool {
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

/// What an answer of BOS names of the recharge that it speaks of, as BOS sent it. `nil`: the answer does not name it.
package struct Subject: Sendable, Equatable {
    /// `refid`: our reference, or a number of BOS's own.
    package var reference: String?
    /// `canumber`. Never to be logged.
    package var subscriber: String?
    /// `amount` in rupees.
    package var amount: String?
    /// Whether the answer carried `data` at all.
    package var hasData: Bool

    package init(reference: String? = nil, subscriber: String? = nil, amount: String? = nil, hasData: Bool = false) {
        self.reference = reference
        self.subscriber = subscriber
        self.amount = amount
        self.hasData = hasData
    }
}

extension Subject: CustomStringConvertible, CustomReflectable {
    /// Without the subscriber number.
    package var description: String {
        let names = [("refid", reference), ("canumber", subscriber), ("amount", amount)].filter { $0.1 != nil }.map(\.0)
        return names.isEmpty ? "no recharge named" : "named by \(names.joined(separator: ", "))"
    }
    package var customMirror: Mirror { Mirror(self, children: ["names": description]) }
}

extension Subject {
    /// Why this cannot be a recharge of that subscriber and amount, in one clause without a subscriber number; `nil` if it can.
    func contradiction(to recharge: Recharge) -> String? {
        if let subscriber, !Self.isSame(subscriber, recharge.subscriber) { return "it names another subscriber" }
        if let amount {
            guard let named = Money(rupees: Self.trimmed(amount)) else { return "it names an amount that cannot be read" }
            if named != recharge.amount { return "it names an amount of \(named.rupees) rupees, not \(recharge.amount.rupees)" }
        }
        return nil
    }

    /// Whether the answer names a recharge at all. An amount alone fits many.
    package var namesRecharge: Bool { reference != nil || subscriber != nil }

    /// Why this cannot be that recharge, known by these names; `nil` if it can.
    package func contradiction(to recharge: Recharge, names: [String], _ calibration: Calibration) -> String? {
        contradiction(to: recharge) ?? contradiction(toNames: names, calibration)
    }

    /// Why the named reference is none of the recharge's; `nil` if it is one of them, or none is named.
    /// - Parameters:
    ///   - names: those that the recharge is known by at BOS.
    ///   - calibration: only an API that was seen to use numbers of its own may name the recharge by one that is not known here.
    func contradiction(toNames names: [String], _ calibration: Calibration) -> String? {
        guard let reference, !names.contains(where: { $0.utf8.elementsEqual(reference.utf8) }) else { return nil }
        guard case .passed(_, hasOwnNumbers: true) = calibration else {
            return "it names another reference, and this API was not seen to use numbers of its own"
        }
        guard names.count == 1, reference.isBOSNumber else { return "it names another reference" }
        // Without a subscriber nothing in the answer tells this recharge from any other one.
        return subscriber == nil ? "it names a number of BOS's own and no subscriber" : nil
    }

    /// The calibration that this answer about a certainly executed recharge shows; `nil` if it is not about that recharge.
    package func calibration(by recharge: Recharge, bosReference: String?) -> Calibration? {
        guard contradiction(to: recharge) == nil else { return nil }
        let names = recharge.names(bosReference)
        let isOurs = reference == nil || reference.map { named in recharge.reference.utf8.elementsEqual(named.utf8) } == true
        if !isOurs, !names.contains(where: { $0 == reference }), subscriber == nil || reference?.isBOSNumber != true { return nil }
        return .passed(showsData: hasData, hasOwnNumbers: !isOurs)
    }

    private static func isSame(_ one: String, _ other: String) -> Bool { trimmed(one).utf8.elementsEqual(trimmed(other).utf8) }

    private static func trimmed(_ text: String) -> String { String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

extension Recharge {
    /// The names under which BOS knows the recharge: ours, and BOS's own if its answer gave one.
    package func names(_ bosReference: String?) -> [String] { [reference] + (bosReference.map { [$0] } ?? []) }

    /// Whether the answer to a `DoRecharge` can be this recharge's.
    /// - Parameter bosReference: the answer's `refid`.
    package func canBeNamed(_ bosReference: String?) -> Bool { bosReference.map { $0 == reference || $0.isBOSNumber } ?? true }
}

extension String {
    /// Whether this can be a number that BOS has given a recharge. Every one that was seen is digits only (bos-api.md#what-clients-show, points 2 and 9).
    package var isBOSNumber: Bool { !isEmpty && utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
}

/// An enquiry's finding, held against the recharge that was asked about.
package enum WeighedFinding: Sendable, Equatable {
    case counts(RechargeMachine.Finding)
    /// The answer decides nothing about this recharge, for this reason: one clause for people.
    case saysNothing(String)
}

extension RechargeMachine.Finding {
    /// - Parameters:
    ///   - recharge: what was asked about; `nil` if this ledger does not know it.
    ///   - names: those that it is known by at BOS.
    package func weighed(
        _ subject: Subject, against recharge: Recharge?, names: [String], _ calibration: Calibration
    ) -> WeighedFinding {
        switch self {
        case .notFound, .declined: return .counts(self)
        case .succeeded, .failed, .pending: break
        }
        if let why = recharge.flatMap(subject.contradiction(to:)) ?? subject.contradiction(toNames: names, calibration) {
            return .saysNothing("the answer is about another recharge: \(why)")
        }
        if calibration.showsData, !subject.hasData {
            return .saysNothing("this API's enquiry shows data, and this answer has none")
        }
        switch calibration {
        case .passed: return .counts(self)
        case .untried, .blind, .credulous:
            let isNamed = calibration == .credulous ? subject.subscriber != nil : subject.namesRecharge
            guard self != .pending, !isNamed else { return .counts(self) }
            return .saysNothing("\(calibration.explanation), and this answer names no recharge")
        }
    }
}
