package import JobModel

/// How often BOS has given one answer, and what was found afterwards about the recharges that it answered so.
package struct CodeCount: Sendable, Equatable {
    /// `nil`: answers that came when ``maximum`` others had been seen.
    package var name: CodeSighting.Name?
    package var timesSeen = 0
    package var firstSeen: Timestamp
    package var lastSeen: Timestamp
    /// The message of the last one.
    package var message: String
    /// Recharges that had this answer and ended so.
    package var succeeded = 0
    package var failed = 0
    package var notFound = 0

    /// A ledger keeps so many different answers, and counts the others together.
    package static let maximum = 500

    package init(_ name: CodeSighting.Name?, firstSeen: Timestamp, lastSeen: Timestamp, message: String) {
        self.name = name
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.message = message
    }

    /// Counts one more. What is no end that says something of the code is not counted.
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
    /// The order in which stores return them.
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
