import AMQP
import BrokerKit
import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// Operators look at dead letters.
    @Suite struct DeadLetterLooks {
        private static let number = "9876543210"

        @Test(
            "a dead letter is shown with its reason in words, its sender and whether it may be replayed, and without the subscriber's number"
        )
        func showsLetter() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let body = #"{"operator":311,"canumber":"\#(Self.number)","amount":"ten","referenceid":"r-1"}"#
                try await system.upstream.publish(Array(body.utf8), as: "c-1")
                try await system.upstream.publish(Array("call me: \(Self.number)".utf8), as: "c-2")
                try #require(await eventually { try await system.upstream.depth(of: system.names.dead) == 2 })
                let list = try await system.bosctl("dead", "list")
                #expect(list.code == 0, "\(list.output)")
                for part in ["r-1", "invalid job", "unreadable", "no, not a job", "2 in \(system.names.dead)"] {
                    #expect(list.output.contains(part), "\(list.output)")
                }
                #expect(list.output.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(list.output)")
                let letters = try await system.letters()
                let id = try #require(letters.first { $0["reference"]?.text == "r-1" }?["id"]?.text)
                let shown = try await system.bosctl("dead", "show", id)
                #expect(shown.code == 0)
                for part in [
                    "the worker refused it, because it breaks a rule for jobs", "amount must be", "correlation_id c-1",
                    "exchange \(system.names.jobs), routing key recharge", "no: the worker would refuse it again", "***210",
                ] {
                    #expect(shown.output.contains(part), "\(shown.output)")
                }
                var all = list.output + shown.output
                for letter in letters { all += try await system.bosctl("dead", "show", letter["id"]?.text ?? "", "--json").output }
                #expect(!all.contains(Self.number), "\(all)")
                let missing = try await system.bosctl("dead", "show", "000000000000")
                #expect(missing.code == 1)
                #expect(missing.output.contains("has no message 000000000000"), "\(missing.output)")
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("looking loses no letter and keeps their order, however often, where the queue has a delivery limit")
        func looksAsOftenAsNeeded() async throws {
            try await System.run { system in
                try await system.declareTopology()
                let policy = "\(system.names.prefix)-limit"
                try await system.broker.ctl(
                    "set_policy", policy, "^\(system.names.dead)$", #"{"delivery-limit":20}"#, "--apply-to", "queues")
                let letters = (0..<60).map { Message(body: Array("letter \($0)".utf8)) }
                try await system.onBroker { try await $0.publish(letters, routingKey: system.names.dead) }
                // More looks than the limit, and more letters than one page.
                for _ in 0..<25 { #expect(try await system.letters().count == 60) }
                // A command that is killed gives its letters back too.
                let looking = try ChildProcess(
                    "bosctl", arguments: ["dead", "list"], environment: system.settings,
                    log: system.folder.appendingPathComponent("killed.log"))
                #expect(await eventually { try await system.upstream.consumers(of: system.names.dead) > 0 || !looking.output.isEmpty })
                looking.send(SIGKILL)
                #expect(await eventually { try await system.upstream.depth(of: system.names.dead) == 60 })
                let left = await system.upstream.messages(60, of: system.names.dead).map { String(decoding: $0.body, as: UTF8.self) }
                #expect(left == (0..<60).map { "letter \($0)" })
                try await system.broker.ctl("clear_policy", policy)
            }
        }

        @Test("hostile letters are listed and shown in printable form, and 1,000 of them need little memory")
        func showsHostileLetters() async throws {
            try await System.run { system in
                try await system.declareTopology()
                try await system.onBroker { try await $0.publish(Self.hostile, routingKey: system.names.dead) }
                let listing = try ChildProcess(
                    "bosctl", arguments: ["dead", "list", "--limit", "1000"], environment: system.settings,
                    log: system.folder.appendingPathComponent("hostile.log"))
                #expect(await listing.exitCode() == 0, "\(listing.output.suffix(500))")
                #expect(listing.output.split(separator: "\n").count == 1_002)
                #expect(listing.output.contains("1000 in \(system.names.dead)"))
                for letter in try await system.letters().prefix(8) {
                    let shown = try await system.bosctl("dead", "show", letter["id"]?.text ?? "")
                    #expect(shown.code == 0, "\(shown.output.prefix(500))")
                    #expect(shown.output.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
                    #expect(!shown.output.contains(Self.number))
                }
                #expect(try await system.upstream.depth(of: system.names.dead) == 1_000)
            }
        }

        private static let hostile: [Message] = (0..<1_000).map { index in
            switch index % 8 {
            case 0: Message(body: [UInt8](repeating: UInt8(ascii: "["), count: 65_536))
            case 1: Message(body: (0..<4_096).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) })
            case 2: Message(body: Array("\u{1B}[2J\u{1B}]0;owned\u{07}\u{202E} \(number)".utf8))
            case 3: odd(index)
            case 4: Message(body: Array(#"{"canumber":[\#(number)],"a":{"b":"98765 43210"}}"#.utf8))
            case 5: Message(body: [UInt8](repeating: UInt8(ascii: "9"), count: 65_536))
            case 6: Message(body: number.flatMap { [UInt8($0.asciiValue ?? 0), 0] })
            default: Message(body: [])
            }
        }

        /// A message whose headers have other types than those of the worker and the broker.
        private static func odd(_ index: Int) -> Message {
            var message = Message(body: Array("odd".utf8))
            message.properties.messageID = "\u{1B}[31m\(index)"
            message.properties.headers = [
                "x-bos-reason": .int(7), "x-bos-failed-at": .table(["a": .null]), "x-bos-replays": .string("many"),
                "x-death": .array([.table(["reason": .int(1), "time": .timestamp(.max), "routing-keys": .array([.null])]), .bool(true)]),
                "x-bos-detail": .bytes([0xFF, 0x1B]), "number": .string(number), "numbers": .array([.int(9_876_543_210), .double(1e300)]),
            ]
            return message
        }

        @Test("bosctl says what is missing: the broker, the queue, or the right to read it")
        func saysWhatIsMissing() async throws {
            try await System.run { system in
                try await system.declareTopology()
                let away = try await system.bosctl(
                    ["dead", "list"], environment: ["BOS_AMQP_URLS": "amqp://guest:guest@127.0.0.1:1/%2f"])
                #expect(away.code == 75, "\(away.output)")
                let gone = try await system.bosctl(["dead", "list"], environment: ["BOS_AMQP_QUEUES_DEAD": "\(system.names.dead).gone"])
                #expect(gone.code == 75)
                #expect(gone.output.contains("does not exist on the broker. Start bos-worker once"), "\(gone.output)")
                let user = "\(system.names.prefix)-reader"
                try await system.onBroker { try await $0.publish(1, to: system.names.dead) }
                try await system.broker.ctl("add_user", user, "secret")
                try await system.broker.ctl("set_permissions", user, "^$", "^$", "^$")
                let url = system.broker.url.replacing("guest:guest", with: "\(user):secret")
                let forbidden = try await system.bosctl(["dead", "list"], environment: ["BOS_AMQP_URLS": url])
                #expect(forbidden.code == 78, "\(forbidden.output)")
                #expect(forbidden.output.contains("needs the right to read it"), "\(forbidden.output)")
                #expect(!forbidden.output.contains("secret"))
                try await system.broker.ctl("delete_user", user)
            }
        }

        @Test("bosctl dead and bosctl unrouted need only the rights on the broker that operating.md names")
        func documentedRightsSuffice() async throws {
            try await System.field { system, bos in
                try await system.declareTopology()
                try await system.expire("r-1")
                let user = "\(system.names.prefix)-person"
                let rights = try OneWorker.documentedRights(of: "dead letters", system.names)
                try await system.broker.ctl("add_user", user, "secret")
                try await system.broker.ctl("set_permissions", user, rights.configure, rights.write, rights.read)
                let url = ["BOS_AMQP_URLS": system.broker.url.replacing("guest:guest", with: "\(user):secret")]
                let worker = try await system.startReadyWorker()
                for command in [
                    ["dead", "list"], ["dead", "replay", "--all"], ["unrouted", "list"], ["unrouted", "replay", "--all"],
                    ["dead", "purge", "--all", "--yes"],
                ] {
                    let reason = command.contains("list") ? [] : ["--reason", "to see whether the rights suffice"]
                    let result = try await system.bosctl(command + reason, environment: url)
                    #expect(result.code == 0, "\(command): \(result.output)")
                }
                #expect(bos.executions == ["r-1": 1])
                #expect(await system.stop(worker) == 0)
                try await system.broker.ctl("delete_user", user)
            }
        }
    }
}
