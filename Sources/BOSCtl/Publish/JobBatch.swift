import ArgumentParser
import ExactJSON
import Foundation
import JobModel

/// The jobs that one command publishes, by number.
struct JobBatch: Sendable {
    struct Job: Sendable {
        /// `nil` if none could be read from the body.
        let reference: String?
        let body: [UInt8]
    }

    let kind: JobKind
    let count: Int
    private let make: @Sendable (Int) -> Job

    init(_ kind: JobKind, _ template: JobTemplate, count: Int) {
        self.kind = kind
        self.count = count
        make = { index in
            let reference = template.reference(index, of: count)
            return Job(reference: reference, body: template.body(reference))
        }
    }

    /// Each line of a file is a body, published as it is, whatever it holds. Empty lines are passed over.
    /// - Parameter path: `-` is the standard input, read to its end first.
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
        guard !lines.isEmpty else { throw ValidationError("the file \(path) holds no job: each line is a job's body") }
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
