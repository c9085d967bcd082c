import ArgumentParser
import ExactJSON
import Foundation
import JobModel

/// The fields that the jobs of one command share; only the reference differs.
struct JobTemplate: Sendable {
    let referenceField: String
    private let reference: String?
    /// Where made-up references count on from: milliseconds since 1970 and six random digits, so that two commands never meet.
    private let firstNumber: UInt64
    private var members: [JSONValue.Member] = []

    init(referenceField: String, reference: String?) {
        self.referenceField = referenceField
        self.reference = reference
        firstNumber = UInt64(Date().timeIntervalSince1970 * 1000) * 1_000_000 + .random(in: 0..<1_000_000)
    }

    mutating func add(_ name: String, _ value: JSONValue) { members.append(.init(name, value)) }

    /// Adds a text, unless there is none.
    mutating func add(_ name: String, _ text: String?) {
        if let text { add(name, .string(text)) }
    }

    mutating func add(expiresAt text: String?) throws(ValidationError) {
        guard let text else { return }
        guard Timestamp(rfc3339: text) != nil else {
            throw ValidationError("--expires-at must be an RFC 3339 date-time such as 2026-11-21T10:00:00Z")
        }
        add("expires_at", .string(text))
    }

    /// The reference of one of `count` jobs.
    func reference(_ index: Int, of count: Int) -> String {
        guard let reference else { return String(firstNumber + UInt64(index)) }
        return count == 1 ? reference : "\(reference)-\(index + 1)"
    }

    func body(_ reference: String) -> [UInt8] {
        JSONValue.object([.init(referenceField, .string(reference))] + members).encoded
    }
}
