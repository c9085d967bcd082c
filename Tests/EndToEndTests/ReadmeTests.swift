import BrokerKit
import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// What the README says is held to the programs.
    @Suite struct Readme {
        private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        private static let text = try? String(contentsOf: folder.appendingPathComponent("../../README.md"), encoding: .utf8)

        @Test("the README's configuration table is the one that the worker prints")
        func configurationTable() async throws {
            let text = try #require(Self.text)
            try await System.run { system in
                let worker = try system.startWorker(arguments: ["--print-configuration-keys"], log: "keys.log")
                #expect(await worker.exitCode() == 0)
                let table = worker.output.trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(table.hasPrefix("| key |"))
                #expect(text.contains("\n\(table)\n"), "put the output of bos-worker --print-configuration-keys into README.md")
            }
        }

        @Test("the README's Swift example is compiled, and gets the reply to its job")
        func swiftExample() async throws {
            let source = try String(contentsOf: Self.folder.appendingPathComponent("ReadmeSnippet.swift"), encoding: .utf8)
            #expect(try #require(Self.text).contains("```swift\n\(source)```\n"), "put ReadmeSnippet.swift into README.md")
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let job = JSONValue.object([
                    .init("operator", .number("311")), .init("canumber", .string(System.subscriber)), .init("amount", .number("10")),
                    .init("referenceid", .string("readme")),
                ])
                let reply = try await recharge(
                    job, reference: "readme", broker: system.broker.url, jobs: system.names.jobs, replies: system.names.replies,
                    queue: "\(system.names.prefix).readme")
                #expect(reply?["outcome"] == .string("succeeded"))
                #expect(await system.stop(worker) == 0)
            }
        }
    }
}
