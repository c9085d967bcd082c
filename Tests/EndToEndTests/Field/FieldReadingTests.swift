import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// A text with one meaning is read, a text with two is refused, and a misspelt field of ours is never ignored.
    @Suite struct FieldReading {
        /// The body of a recharge with this reference.
        /// - Parameter more: further members, each after a comma.
        private static func job(_ reference: String, operator number: String = "311", amount: String = "1", adding more: String = "")
            -> [UInt8]
        {
            Array(
                #"{"operator":\#(number),"canumber":"\#(System.subscriber)","amount":\#(amount),"referenceid":"\#(reference)"\#(more)}"#
                    .utf8)
        }

        private static func detail(of name: String, in system: System) throws -> String {
            let reply = try JSONValue.parse(try #require(system.upstream.replies[name]?.last).body)
            return reply["error"]?["detail"]?.text ?? ""
        }

        @Test(
            "an answer with a byte order mark, a control byte or a byte that is not UTF-8 in a text is read; the history names the position in an unreadable one"
        )
        func answersWithStrangeBytesAreRead() async throws {
            try await System.field { system, bos in
                let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
                @Sendable func answer(before: [UInt8], inside: [UInt8]) -> RawBOS.Action {
                    .write(
                        RawBOS.answer(
                            "200 OK",
                            body: before + Array(#"{"status":true,"response_code":1,"ackno":"7","message":"Recharge is "#.utf8) + inside
                                + Array(#"successful"}"#.utf8)))
                }
                bos.on(.recharge) { request in
                    bos.execute(request)
                    return switch request.reference {
                    case "mark": answer(before: mark, inside: [])
                    case "control": answer(before: [], inside: [0x0B, 0x01])
                    case "bytes": answer(before: [], inside: [0xE2, 0x28])
                    case "all": answer(before: mark, inside: [0x09, 0xFF])
                    default: .write(RawBOS.answer("200 OK", body: Array(#"{"status":true,"response_code":1,,}"#.utf8)))
                    }
                }
                bos.on(.enquiry) { request in
                    guard request.reference == "unreadable" else { return nil }
                    let text =
                        #"{"status":true,"responsecode":1,"message":"ok","data":{"status":"1","refid":"unreadable","#
                        + #""canumber":"\#(System.subscriber)","amount":"1"}}"#
                    return .write(RawBOS.answer("200 OK", body: mark + Array(text.utf8)))
                }
                bos.on(.panStatus) { _ in
                    .write(
                        RawBOS.answer(
                            "200 OK", body: mark + Array(#"{"status":true,"response_code":1,"message":"PAN has been allotted"}"#.utf8)))
                }
                let worker = try await system.startReadyWorker()
                let readable = ["mark", "control", "bytes", "all"]
                for reference in readable + ["unreadable"] {
                    try await system.upstream.publish(Self.job(reference), as: reference)
                }
                try await system.upstream.publish(Array(#"{"refid":"pan"}"#.utf8), as: "pan", kind: "pan.status")
                #expect(await eventually { system.upstream.finalCount == 6 })
                for reference in readable {
                    let reply = try JSONValue.parse(try #require(system.upstream.replies[reference]?.last).body)
                    #expect(reply["outcome"]?.text == "succeeded" && reply["evidence"]?.text == "answer", "\(reference): \(reply)")
                    #expect(reply["ackno"]?.text == "7")
                }
                #expect(system.lastOutcome("unreadable") == "succeeded")
                #expect(system.lastOutcome("pan") == "succeeded")
                let history = try await system.history("unreadable")
                #expect(history.contains("byte 33"), "\(history)")
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test(
            "a field that differs from a known one only in case, underscore or hyphen is refused with the right spelling, in every kind of job"
        )
        func misspeltFieldsAreRefused() async throws {
            try await System.field { system, bos in
                let worker = try await system.startReadyWorker()
                let jobs: [(name: String, kind: String, body: [UInt8], written: String, right: String)] = [
                    ("register", "recharge", Self.job("a", adding: #","registerID":"M2""#), "registerID", "RegisterID"),
                    ("expires", "recharge", Self.job("b", adding: #","expiresAt":"2020-01-01T00:00:00Z""#), "expiresAt", "expires_at"),
                    ("hyphen", "recharge", Self.job("c", adding: #","expires-at":"2020-01-01T00:00:00Z""#), "expires-at", "expires_at"),
                    (
                        "question", "recharge.status", Array(#"{"referenceid":"d","register_id":"M2"}"#.utf8), "register_id", "RegisterID"
                    ),
                    ("pan", "pan.status", Array(#"{"refid":"e","partnerID":"M2"}"#.utf8), "partnerID", "partnerId"),
                    ("key", "pan.status", Array(#"{"refid":"f","nepKey":"M2"}"#.utf8), "nepKey", "nep_key"),
                ]
                for job in jobs { try await system.upstream.publish(job.body, as: job.name, kind: job.kind) }
                try await system.upstream.publish(Self.job("g", adding: #","customer":"C-1""#), as: "unknown")
                #expect(await eventually { system.upstream.finalCount == jobs.count + 1 })
                for job in jobs {
                    #expect(system.lastOutcome(job.name) == "refused", "\(job.name)")
                    let detail = try Self.detail(of: job.name, in: system)
                    #expect(detail.contains(job.written) && detail.contains(job.right), "\(job.name): \(detail)")
                }
                #expect(system.lastOutcome("unknown") == "succeeded")
                #expect(bos.executions == ["g": 1])
                #expect(bos.requests(.panStatus).isEmpty)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("numbers with exponents and zero fractions are read exactly, and refused if they are not a valid amount or operator")
        func numbersAreReadExactly() async throws {
            try await System.field { system, bos in
                let worker = try await system.startReadyWorker()
                let taken: [(String, operator: String, amount: String, paise: Int)] = [
                    ("a-1", "311", "1E+2", 100_00), ("a-2", "311", "1e1", 10_00), ("a-3", "311", "1.050E1", 10_50),
                    ("a-4", "311", "12500E-2", 125_00), ("o-1", "311.0", "1", 1_00), ("o-2", "3.11E2", "1", 1_00),
                    ("s-1", "311", #""10.50""#, 10_50),
                ]
                let refused: [(String, operator: String, amount: String)] = [
                    ("x-1", "311", "1E-3"), ("x-2", "311", "1E+400"), ("x-3", "311.5", "1"), ("x-4", "311", "1E999999999999999999999"),
                    ("x-5", "311", #""1E+2""#), ("x-6", #""3.11E2""#, "1"), ("x-7", "3E-999999999", "1"),
                ]
                for job in taken {
                    try await system.upstream.publish(Self.job(job.0, operator: job.operator, amount: job.amount), as: job.0)
                }
                for job in refused {
                    try await system.upstream.publish(Self.job(job.0, operator: job.operator, amount: job.amount), as: job.0)
                }
                #expect(await eventually { system.upstream.finalCount == taken.count + refused.count })
                for job in taken {
                    #expect(system.lastOutcome(job.0) == "succeeded", "\(job.0)")
                    let sent = bos.requests(.recharge, about: job.0)
                    #expect(sent.count == 1)
                    #expect(sent.first?.field("operator") == "311")
                    let paise = sent.first.flatMap { Decimal(string: $0.field("amount")) }.map { $0 * 100 }
                    #expect(paise == Decimal(job.paise), "\(job.0): \(sent.first?.field("amount") ?? "")")
                }
                for job in refused { #expect(system.lastOutcome(job.0) == "refused", "\(job.0)") }
                #expect(bos.executions.count == taken.count)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a type that names no kind is ignored; one that contradicts the routing key is refused")
        func contradictoryTypesAreRefused() async throws {
            try await System.field { system, bos in
                let worker = try await system.startReadyWorker()
                try await system.upstream.publish(Self.job("framework"), as: "framework", type: "Billing.RechargeJob, Billing")
                // A recharge in the queue of questions would escape the limits for recharges.
                try await system.upstream.publish(Self.job("smuggled"), as: "smuggled", kind: "recharge.status", type: "recharge")
                try await system.upstream.publish(
                    Array(#"{"referenceid":"q"}"#.utf8), as: "question", kind: "recharge", type: "recharge.status")
                #expect(await eventually { system.upstream.finalCount == 3 })
                #expect(system.lastOutcome("framework") == "succeeded")
                #expect(system.lastOutcome("smuggled") == "refused")
                #expect(system.lastOutcome("question") == "refused")
                #expect(bos.executions == ["framework": 1])
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a compressed body is refused for its encoding, and an operator that is not a number above zero for its value")
        func refusalsNameTheirReason() async throws {
            try await System.field { system, bos in
                let worker = try await system.startReadyWorker()
                let packed: [UInt8] = [0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x03, 0x00]
                try await system.upstream.publish(packed, as: "packed", encoding: "gzip")
                try await system.upstream.publish(Self.job("zero", operator: "0"), as: "zero")
                try await system.upstream.publish(Self.job("true", operator: "true"), as: "true")
                try await system.upstream.publish(Self.job("plain"), as: "plain", encoding: "utf-8")
                #expect(await eventually { system.upstream.finalCount == 4 })
                for name in ["packed", "zero", "true"] { #expect(system.lastOutcome(name) == "refused") }
                let packing = try Self.detail(of: "packed", in: system)
                #expect(packing.contains("content_encoding"), "\(packing)")
                for name in ["zero", "true"] {
                    let detail = try Self.detail(of: name, in: system)
                    #expect(detail.contains("operator") && !detail.contains("of another form"), "\(detail)")
                }
                #expect(system.lastOutcome("plain") == "succeeded")
                #expect(bos.executions == ["plain": 1])
                #expect(await system.stop(worker) == 0)
            }
        }
    }
}
