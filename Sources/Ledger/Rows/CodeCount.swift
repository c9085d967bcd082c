package import JobModel

/// How often BOS has given one answer, and how the recharges with that answer ended.
package struct CodeCount: Sendable, Equatable {
    /// `nil` for the common count of all answers that came after ``maximum`` different ones.
    package var name: CodeSighting.Name?
    package var timesSeen = 0
    package var firstSeen: Timestamp
    package var lastSeen: Timestamp
    /// The message of the last such answer.
    package var message: String
    /// How many recharges with this answer ended in each way.
    package var succeeded = 0
    package var failed = 0
    package var notFound = 0

    /// The number of different answers that a ledger counts separately. All others share one count.
    package static let maximum = 500

    /// All counts are 0 at first.
    package init(_ name: CodeSighting.Name?, firstSeen: Timestamp, lastSeen: Timestamp, message: String) {
        self.name = name
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.message = message
    }

    /// Counts one sighting. Outcomes that say nothing about the code's meaning are not counted.
    package mutating func count(_ sighting: CodeSighting, at now: Timestamp) {
        switch sighting.afterwards {
        case nil:
            timesSeen += 1
            lastSeen = now
            message = sighting.message
        case .succeeded: succeeded += 1
        case .failed, .refused: failed += 1
        case .notFound: notFound += 1
        case .inDoubt, .pending, .expired: break
        }
    }
}

extension CodeCount {
    /// The order in which stores return counts: by endpoint, status and code, the common count last.
    package func precedes(_ other: CodeCount) -> Bool {
        guard let name, let otherName = other.name else { return name != nil && other.name == nil }
        return name.key.lexicographicallyPrecedes(otherName.key)
    }
}

extension CodeSighting.Name {
    fileprivate var key: [Int] {
        let endpoint = CodeSighting.Endpoint.allCases.firstIndex(of: endpoint) ?? 0
        return [endpoint, httpStatus, responseCode == nil ? 0 : 1, responseCode ?? 0, status.map { $0 ? 2 : 1 } ?? 0]
    }
}
