import ArgumentParser
import ExactJSON
import Foundation
import JobModel

/// The jobs that one command publishes. The first has the index 0.
struct JobBatch: Sendable {
    struct Job: Sendable {
        /// `nil` if the body holds none that can be read.
        let reference: String?
        let body: [UInt8]
    }

    let kind: JobKind
    let count: Int
    private let make: @Sendable (Int) -> Job

    init(_ kind: JobKind, template: JobTemplate, count: Int) {
        self.kind = kind
        self.count = count
        make = { index in
            let reference = template.reference(index, of: count)
            return Job(reference: reference, body: template.body(reference))
        }
    }

    /// Takes each line of a file as the body of a job, unchanged and unchecked. Empty lines are skipped.
    /// - Parameter path: `-` is the standard input, which is read to its end first.
    /// - Throws: a `ValidationError` if the file cannot be read or holds no job.
    init(_ kind: JobKind, file path: String) throws(ValidationError) {
        let content: Data?
        do {
            content =
                path == "-"
                ? try FileHandle.standardInput.readToEnd() : try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw ValidationError("the file \(path) cannot be read: \(error.localizedDescription)")
        }
        let lines = (content ?? Data()).split(separator: UInt8(ascii: "\n")).map { Array($0) }
        guard !lines.isEmpty else { throw ValidationError("the file \(path) holds no job; each line must be the body of a job") }
        self.kind = kind
        count = lines.count
        make = { Job(reference: Self.reference(in: lines[$0]), body: lines[$0]) }
    }

    subscript(_ index: Int) -> Job { make(index) }

    private static func reference(in body: [UInt8]) -> String? {
        guard let json = try? JSONValue.parse(body) else { return nil }
        return (json["referenceid"] ?? json["refid"])?.text
    }
}

/// The fields that all jobs of one command share. Only the reference differs.
struct JobTemplate: Sendable {
    let referenceField: String
    private let reference: String?
    /// The first generated reference; the next ones count on from it. It is made of the milliseconds since 1970 and six random digits, so that
    /// two commands do not generate the same references.
    private let firstNumber: UInt64
    private var members: [JSONValue.Member] = []

    init(referenceField: String, reference: String?) {
        self.referenceField = referenceField
        self.reference = reference
        firstNumber = UInt64(Date().timeIntervalSince1970 * 1000) * 1_000_000 + .random(in: 0..<1_000_000)
    }

    mutating func set(_ name: String, to value: JSONValue) { members.append(.init(name, value)) }

    /// Does nothing if `text` is `nil`.
    mutating func set(_ name: String, to text: String?) {
        if let text { set(name, to: .string(text)) }
    }

    mutating func set(expiresAt text: String?) throws(ValidationError) {
        guard let text else { return }
        guard Timestamp(rfc3339: text) != nil else {
            throw ValidationError("--expires-at must be an RFC 3339 date-time such as 2026-11-21T10:00:00Z")
        }
        set("expires_at", to: .string(text))
    }

    /// The reference of the job with this index: the given one, numbered from 1 if there are many jobs, or a generated one.
    func reference(_ index: Int, of count: Int) -> String {
        guard let reference else { return String(firstNumber + UInt64(index)) }
        return count == 1 ? reference : "\(reference)-\(index + 1)"
    }

    func body(_ reference: String) -> [UInt8] {
        JSONValue.object([.init(referenceField, .string(reference))] + members).encoded
    }
}
