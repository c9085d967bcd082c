private import Foundation

/// The row that BOS keeps of one recharge.
struct Record: Sendable, Equatable {
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
    static func usedBefore(_ reference: String, number: String) -> Record {
        Record(reference: reference, number: number, operatorID: "18", subscriber: "9999900000", paise: 4900)
    }

    /// Another customer's recharge.
    static let other = Record(
        reference: "1000000000001", number: "999999", operatorID: "18", subscriber: "9999900000", paise: 5000)

    // MARK: Made-up numbers: the same for a reference in every run

    var givenOperatorID: String { Self.digits("operatorid", reference) }
    var acknowledgement: String { Self.digits("ackno", reference) }

    /// The number of its own that BOS tries to give a reference at first, or after so many that were taken.
    static func ownNumber(_ reference: String, _ attempt: Int) -> String {
        var generator = SeededGenerator(seed: 0, "refid", reference, attempt)
        // Six digits are seen; more only where so many recharges have taken all of them.
        return attempt < 100 ? "\(generator.next() % 900_000 + 100_000)" : "\(generator.next())"
    }

    private static func digits(_ purpose: String, _ reference: String) -> String {
        var generator = SeededGenerator(seed: 0, purpose, reference, 0)
        return "\(generator.next() % 9_000_000_000 + 1_000_000_000)"
    }
}

/// Writes what a call is answered with in one of the shapes.
struct ReplyForm: Sendable {
    var shape = ReplyShape.real
    /// Whether `refid` is BOS's own number; else it is the caller's reference.
    var hasOwnNumber = true
    /// Unix time of the simulator's start, in seconds.
    var startedAt = 0.0

    func refid(_ record: Record) -> String { hasOwnNumber ? record.number : record.reference }

    /// When it was executed, as BOS writes times.
    func dateAdded(_ record: Record) -> String {
        Date(timeIntervalSince1970: startedAt + record.executedAt / .seconds(1)).formatted(
            .iso8601.year().month().day().dateSeparator(.dash).dateTimeSeparator(.space).time(includingFractionalSeconds: false))
    }
}
