import ArgumentParser
import ExactJSON
import Foundation
import JobModel
import Testing

@testable import BOSCtl

@Suite("Batches of jobs to publish", .timeLimit(.minutes(1)))
struct JobBatchTests {
    private static func template(_ reference: String?) -> JobTemplate {
        var template = JobTemplate(referenceField: "referenceid", reference: reference)
        template.set("amount", to: .number("10.50"))
        template.set("RegisterID", to: nil)
        return template
    }

    private static func withFile<Value>(_ content: String, body: (String) throws -> Value) throws -> Value {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("jobs-\(UUID().uuidString)")
        try Data(content.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try body(file.path)
    }

    @Test("a given reference is numbered from 1 for many jobs, and unchanged for one job")
    func numbersGivenReference() {
        #expect(JobBatch(.recharge, template: Self.template("R"), count: 1)[0].reference == "R")
        let many = JobBatch(.recharge, template: Self.template("R"), count: 3)
        #expect((0..<3).map { many[$0].reference } == ["R-1", "R-2", "R-3"])
        #expect(String(decoding: many[2].body, as: UTF8.self) == #"{"referenceid":"R-3","amount":10.50}"#)
    }

    @Test("generated references are digits, and all differ")
    func generatesReferences() throws {
        let batch = JobBatch(.recharge, template: Self.template(nil), count: 1_000)
        let references = try Set((0..<1_000).map { try #require(batch[$0].reference) })
        #expect(references.count == 1_000)
        #expect(references.allSatisfy { $0.allSatisfy(\.isNumber) })
    }

    @Test("each line of a file is published unchanged as a body, and its reference is read if it has one")
    func readsBodiesFromFile() throws {
        let content = #"{"referenceid": "a", "amount": 1e2}"# + "\n\n" + #"{"refid":7}"# + "\nno JSON\n[1]\n"
        let batch = try Self.withFile(content) { try JobBatch(.recharge, file: $0) }
        #expect((0..<batch.count).map { batch[$0].reference } == ["a", "7", nil, nil])
        #expect(String(decoding: batch[0].body, as: UTF8.self) == #"{"referenceid": "a", "amount": 1e2}"#)
        #expect(String(decoding: batch[2].body, as: UTF8.self) == "no JSON")
    }

    @Test("the error names a file that holds no job or does not exist")
    func namesUnusableFile() throws {
        try Self.withFile("\n\n") { path in
            _ = #expect { try JobBatch(.recharge, file: path) } throws: { "\($0)".contains("\(path) holds no job") }
        }
        #expect { try JobBatch(.recharge, file: "/nowhere/jobs") } throws: { "\($0)".contains("/nowhere/jobs cannot be read") }
    }
}
