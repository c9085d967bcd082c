import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// The names by which BOS knows a recharge, as far as answers have shown them.
    @Suite struct FieldNames {
        /// The answer to an enquiry that names the recharge by a number of BOS's own.
        private static func numbered(_ number: String, subscriber: String = System.subscriber, amount: String = "1") -> RawBOS.Action {
            RawBOS.found(number, subscriber: subscriber, amount: amount)
        }

        @Test("a number of BOS's own is accepted once the enquiry was seen to use such numbers, and only with this subscriber and amount")
        func ownNumbersCountAfterCalibration() async throws {
            try await System.field { system, bos in
                bos.on(.recharge) { $0.reference == "known" ? nil : .hang }
                bos.on(.enquiry) { request in
                    switch request.reference {
                    case "known": Self.numbered("482913")
                    case "lost": Self.numbered("482914")
                    case "other": Self.numbered("482915", subscriber: "KA05MH1234")
                    case "dear": Self.numbered("482916", amount: "50")
                    default: nil
                    }
                }
                let worker = try await system.startReadyWorker()
                let references = ["lost", "other", "dear"]
                try await system.upstream.publishRecharges(references)
                for reference in references { #expect(await bos.hasHeard(.enquiry, atLeast: 3, about: reference)) }
                // Before calibration such a number counts as another reference.
                system.expectNoFinal(references)
                try await system.calibrate(bos)
                #expect(await eventually { system.lastOutcome("lost") == "succeeded" })
                let asked = bos.requests(.enquiry, about: "dear").count
                #expect(await bos.hasHeard(.enquiry, atLeast: asked + 2, about: "dear"))
                system.expectNoFinal(["other", "dear"])
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("an answer without data decides nothing once the enquiry was seen to return data")
        func missingDataDecidesNothing() async throws {
            try await System.field { system, bos in
                bos.on(.recharge) { $0.reference == "known" ? nil : .hang }
                bos.on(.enquiry) { $0.reference == "lost" ? .json(#"{"status":true,"responsecode":1,"message":"Success"}"#) : nil }
                let worker = try await system.startReadyWorker()
                try await system.calibrate(bos)
                try await system.upstream.publishRecharges(["lost"])
                #expect(await bos.hasHeard(.enquiry, atLeast: 4, about: "lost"))
                system.expectNoFinal(["lost"])
                let history = try await system.history("lost")
                #expect(history.contains("data"), "\(history)")
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("with api.enquiry.by refid the worker enquires by BOS's own number of the recharge")
        func workerEnquiresByRefid() async throws {
            try await System.field(["BOS_API_ENQUIRY_BY": "refid"]) { system, bos in
                bos.on(.recharge) { _ in .json(#"{"status":true,"response_code":2,"refid":"482913","message":"Request accepted"}"#) }
                bos.on(.enquiry) { $0.reference == "482913" ? Self.numbered("482913") : RawBOS.notFound }
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["r-1"])
                #expect(await eventually { system.lastOutcome("r-1") == "succeeded" })
                #expect(!bos.requests(.enquiry, about: "482913").isEmpty)
                // The reference is enquired about only afterwards, to calibrate "not found" for that name.
                #expect(bos.requests(.enquiry).first?.reference == "482913")
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("bosctl enquires by BOS's own number too, and refuses a resolution that BOS contradicts")
        func bosctlEnquiresByRefid() async throws {
            try await System.field(["BOS_API_ENQUIRY_BY": "refid"]) { system, bos in
                let isShown = Flag()
                bos.on(.recharge) { _ in .json(#"{"status":true,"response_code":2,"refid":"482913","message":"Request accepted"}"#) }
                bos.on(.enquiry) { isShown.isSet && $0.reference == "482913" ? Self.numbered("482913") : RawBOS.notFound }
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["r-1"])
                #expect(await bos.hasHeard(.enquiry, atLeast: 2, about: "482913"))
                #expect(await system.stop(worker) == 0)
                isShown.set()
                let resolved = try await system.bosctl([
                    "resolve", "r-1", "--failed", "--inside-window", "--reason", "I think so", "--yes",
                ])
                #expect(resolved.code == 1 && resolved.output.contains("BOS contradicts you"), "\(resolved.output)")
            }
        }
    }
}
