import AMQP
import BrokerKit
import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// Operators drop dead letters.
    @Suite struct DeadLetterPurges {
        @Test("purge writes each letter with all it has to a private file, then removes it, and only with --yes")
        func purgesIntoFile() async throws {
            try await System.run { system in
                try await system.declareTopology()
                var odd = Message(body: [0xFF, 0x00, 0x31])
                odd.properties.headers = ["a": .bytes([1]), "t": .timestamp(5), "n": .table(["x": .int(1)])]
                odd.properties.messageID = "m-1"
                let plain = Message(body: Array(#"{"canumber":"\#(System.subscriber)"}"#.utf8))
                let messages = [odd, plain] + (0..<100).map { Message(body: Array("letter \($0)".utf8)) }
                try await system.onBroker { try await $0.publish(messages, routingKey: system.names.dead) }
                let path = "\(system.folder.path)/dropped.jsonl"
                let purge = ["dead", "purge", "--file", path, "--reason", "old tests"]
                let asked = try await system.bosctl(purge + ["--all"])
                #expect(asked.code == 1)
                #expect(asked.output.contains("102 messages of") && asked.output.contains("add --yes"), "\(asked.output)")
                #expect(!FileManager.default.fileExists(atPath: path))
                // These letters do not say when they failed.
                let young = try await system.bosctl(purge + ["--older-than", "1s", "--yes"])
                #expect(young.code == 0 && young.output.contains("no letter of"), "\(young.output)")

                let one = try await system.bosctl(purge + ["--id", "m-1", "--yes"])
                #expect(one.code == 0, "\(one.output)")
                #expect(one.output.contains("1 letters of"), "\(one.output)")
                let line = try JSONValue.parse(Array(try Data(contentsOf: URL(fileURLWithPath: path))), skipsMark: false)
                #expect(line["message_id"]?.text == "m-1" && line["body_base64"]?.text == "/wAx")
                #expect(line["headers"]?["a"]?["base64"]?.text == "AQ==" && line["headers"]?["n"]?["table"]?["x"] == .number("1"))
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
                #expect(mode == 0o600)
                // An existing file is not touched.
                let second = try await system.bosctl(purge + ["--all", "--yes"])
                #expect(second.code == 1)
                #expect(second.output.contains("File exists"), "\(second.output)")
                #expect(try await system.upstream.depth(of: system.names.dead) == 101)

                // More looks than a message may have before it is put into its queue anew.
                for _ in 0..<11 { _ = try await system.letters() }
                let rest = try await system.bosctl(["dead", "purge", "--all", "--yes", "--json", "--reason", "old tests"])
                #expect(rest.code == 0, "\(rest.output)")
                let report = try JSONValue.parse(Array(try #require(rest.output.split(separator: "\n").last).utf8))
                #expect(report["dropped"] == .number("101"))
                let file = try String(contentsOfFile: try #require(report["file"]?.text), encoding: .utf8)
                #expect(file.split(separator: "\n").count == 101)
                #expect(file.contains(System.subscriber))
                #expect(try await system.upstream.depth(of: system.names.dead) == 0)
                let log = try await system.bosctl("log").output
                #expect(log.contains("dead purge") && log.contains("dropped 101 into"), "\(log)")
                #expect(!log.contains(System.subscriber))
            }
        }

        @Test("a purge takes only the letters it is to take, and all of them, over many pages")
        func purgesOldOnes() async throws {
            try await System.run { system in
                try await system.declareTopology()
                var old = Message(body: Array("old".utf8))
                old.properties.headers["x-death"] = .array([.table(["reason": .string("expired"), "time": .timestamp(1_700_000_000)])])
                let messages = (0..<160).map { $0.isMultiple(of: 2) ? old : Message(body: Array("new".utf8)) }
                try await system.onBroker { try await $0.publish(messages, routingKey: system.names.dead) }
                let purged = try await system.bosctl(["dead", "purge", "--older-than", "1h", "--yes", "--reason", "old tests"])
                #expect(purged.code == 0 && purged.output.contains("80 letters of"), "\(purged.output)")
                #expect(try await system.upstream.depth(of: system.names.dead) == 80)
                let left = await system.upstream.messages(80, of: system.names.dead)
                #expect(left.allSatisfy { $0.body == Array("new".utf8) })
            }
        }

        @Test(
            "a purge that is killed before or after its ack leaves each letter in the queue, in the file, or in both",
            arguments: [false, true])
        func killedPurgeLosesNothing(isAcked: Bool) async throws {
            try await System.run { system in
                try await system.declareTopology()
                let messages = (0..<3).map { Message(body: Array("letter \($0)".utf8)) }
                try await system.onBroker { try await $0.publish(messages, routingKey: system.names.dead) }
                let proxy = try FrameProxy(
                    to: system.broker.port, stop: .init(side: .program, name: "basic.ack", method: (60, 80), passes: isAcked))
                defer { proxy.close() }
                let path = "\(system.folder.path)/dropped.jsonl"
                let purge = try ChildProcess(
                    "bosctl", arguments: ["dead", "purge", "--all", "--yes", "--file", path, "--reason", "old tests"],
                    environment: system.settings.merging(["BOS_AMQP_URLS": "amqp://guest:guest@127.0.0.1:\(proxy.port)/%2f"]) { $1 },
                    log: system.folder.appendingPathComponent("kill.log"))
                try #require(await eventually { proxy.hasStopped }, "\(purge.output)")
                purge.send(SIGKILL)
                _ = await purge.exitCode()
                #expect(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count == 3)
                #expect(await eventually { try await system.upstream.depth(of: system.names.dead) == (isAcked ? 0 : 3) })
            }
        }
    }
}
