import AMQP
import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    @Suite struct Malformed {
        /// A message that is not a job, and the reason that the worker must give for it.
        private struct Bad: Sendable {
            let body: [UInt8]
            var type: String?
            let reason: String

            init(_ text: String, type: String? = nil, reason: String) {
                (body, self.type, self.reason) = (Array(text.utf8), type, reason)
            }

            init(bytes: [UInt8], reason: String) { (body, self.reason) = (bytes, reason) }
        }

        private static let kinds: [Bad] = [
            Bad("", reason: "undecodable"),
            Bad("not JSON", reason: "undecodable"),
            Bad("{\"operator\":311,", reason: "undecodable"),
            Bad("[1,2,3]", reason: "undecodable"),
            Bad(bytes: [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D], reason: "undecodable"),
            Bad(String(repeating: "[", count: 30_000), reason: "undecodable"),
            Bad("{}", reason: "invalid_job"),
            Bad(#"{"operator":"many","canumber":"DL12CB4685","amount":10,"referenceid":"x"}"#, reason: "invalid_job"),
            Bad(#"{"operator":311,"canumber":7,"amount":10,"referenceid":"x"}"#, reason: "invalid_job"),
            Bad(#"{"operator":311,"canumber":"DL12CB4685","amount":"ten","referenceid":"x"}"#, reason: "invalid_job"),
            Bad(#"{"operator":311,"canumber":"DL12CB4685","amount":1e400,"referenceid":"x"}"#, reason: "invalid_job"),
            Bad(#"{"operator":311,"canumber":"DL12CB4685","amount":10,"referenceid":{"a":[null]}}"#, reason: "invalid_job"),
            Bad(#"{"operator":311,"canumber":"DL12CB4685","amount":10,"referenceid":"x","expires_at":"soon"}"#, reason: "invalid_job"),
            Bad(#"{"referenceid":"x"}"#, type: "recharge.undo", reason: "invalid_job"),
            Bad(bytes: [UInt8](repeating: UInt8(ascii: "a"), count: 65_537), reason: "too_large"),
            Bad(bytes: [UInt8](repeating: UInt8(ascii: "a"), count: 3 << 20), reason: "too_large"),
        ]

        @Test("messages that are not jobs are refused and dead-lettered with a reason, and the worker's memory does not grow")
        func malformedMessagesAreDeadLettered() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let count = Scale.malformed
                // The first message of each kind fills caches. After that, memory must not grow with the number of messages.
                let warmUp = min(count, Self.kinds.count)
                try await Self.publish(0..<warmUp, to: system)
                try await system.upstream.waitForFinals(warmUp)
                let before = try #require(worker.residentKilobytes)
                try await Self.publish(warmUp..<count, to: system)
                try await system.upstream.waitForFinals(count)
                let after = try #require(worker.residentKilobytes)
                #expect(after - before < 32 << 10, "the worker grew from \(before) to \(after) KiB")

                for (name, replies) in system.upstream.replies {
                    #expect(replies.map(\.outcome) == ["refused"], "\(name): \(replies.map(\.outcome))")
                }
                try #require(await eventually { try await system.upstream.depth(of: system.names.dead) == count })
                try await Self.expectReasons(count, in: system)
                try await Self.expectLetters(count, in: system)

                try await system.upstream.publishRecharges(["good"])
                try await system.upstream.waitForFinals(count + 1)
                #expect(system.upstream.replies["good"]?.first?.outcome == "succeeded")
                #expect(try await system.executions() == ["good": 1])
                #expect(await system.stop(worker) == 0)
            }
        }

        private static func publish(_ numbers: Range<Int>, to system: System) async throws {
            for number in numbers {
                let bad = kinds[number % kinds.count]
                try await system.upstream.publish(bad.body, as: "bad-\(number)", type: bad.type)
            }
        }

        /// Expects each dead letter to have its original body and a reason. The worker rejects a body that is too large to be read. The
        /// broker moves that message and adds its own header.
        private static func expectLetters(_ count: Int, in system: System) async throws {
            var expected = Dictionary((0..<count).map { (kinds[$0 % kinds.count].body, 1) }, uniquingKeysWith: +)
            for letter in await system.upstream.messages(count, of: system.names.dead) {
                let headers = letter.properties.headers
                guard headers["x-bos-reason"] != nil else {
                    #expect(letter.properties.headers["x-first-death-reason"] == .string("rejected"))
                    continue
                }
                let body = try #require(kinds.first { $0.body == letter.body }?.body, "a body was changed")
                let reasons = kinds.filter { $0.body == body }.map { FieldValue.string($0.reason) }
                #expect(headers["x-bos-reason"].map(reasons.contains) == true)
                #expect(headers["x-bos-original-exchange"] == .string(system.names.jobs))
                #expect(headers["x-bos-original-routing-key"] == .string("recharge"))
                for name in ["x-bos-detail", "x-bos-failed-at"] {
                    guard case .string(let text)? = headers[name], !text.isEmpty else {
                        Issue.record("no \(name)")
                        continue
                    }
                }
                expected[body, default: 0] -= 1
            }
            #expect(expected.filter { $0.key.count <= 1 << 20 }.values.allSatisfy { $0 == 0 })
        }

        /// Expects the worker's counters to show each reason as often as it was caused.
        private static func expectReasons(_ count: Int, in system: System) async throws {
            let expected = Dictionary((0..<count).map { (kinds[$0 % kinds.count].reason, 1) }, uniquingKeysWith: +)
            // Each refusal is one published reply.
            let lines =
                ["bos_replies_published_total{kind=\"recharge\"} \(count)\n"]
                + expected.map { "bos_dead_letters_total{reason=\"\($0)\"} \($1)\n" }
            // The worker counts a dead letter once the broker has confirmed it, so the counter may follow the queue.
            #expect(
                await eventually {
                    let metrics = try await Web.get("\(system.http)/metrics").text
                    return lines.allSatisfy(metrics.contains)
                }, "expected: \(lines)")
        }
    }
}
