import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// An answer decides something only if it is about this very recharge and uses known words.
    @Suite struct FieldVerdicts {
        @Test(
            "an enquiry that names another reference, amount or subscriber decides nothing; the history says which, and the recharge is parked in the end"
        )
        func enquiryAboutAnotherRechargeDecidesNothing() async throws {
            try await System.field { system, bos in
                bos.on(.recharge) { _ in .hang }
                bos.on(.enquiry) { request in
                    switch request.reference {
                    case "r-refid":
                        .json(
                            #"{"status":true,"responsecode":1,"message":"Transaction found","data":{"status":"1","refid":"r-2","amount":"50","operatorid":"9"}}"#
                        )
                    case "r-amount": RawBOS.found(request.reference, subscriber: System.subscriber, amount: "50")
                    case "r-failed": RawBOS.found("r-2", subscriber: System.subscriber, amount: "10", status: "0")
                    case "r-canumber": RawBOS.found(request.reference, subscriber: "KA05MH1234", amount: "10.00")
                    default: nil
                    }
                }
                var worker = try await system.startReadyWorker()
                let references = ["r-refid", "r-amount", "r-failed", "r-canumber"]
                for reference in references { try await system.upstream.publish(Upstream.recharge(reference, amount: "10"), as: reference) }
                for reference in references { #expect(await bos.hasHeard(.enquiry, atLeast: 3, about: reference)) }
                system.expectNoFinal(references)
                // The first answer names another reference and another amount. One of the two in the history is enough.
                let differences = [
                    "r-refid": /another reference|amount/, "r-amount": /amount/, "r-failed": /another reference/,
                    "r-canumber": /another subscriber/,
                ]
                for (reference, difference) in differences {
                    let history = try await system.history(reference)
                    #expect(history.contains(difference), "\(history)")
                    #expect(!history.contains("KA05MH1234"), "another subscriber's number is shown")
                }
                #expect(await system.stop(worker) == 0)
                try await system.letTwoDaysPass()
                worker = try await system.startReadyWorker()
                try await system.expectParked(references)
                for reference in references { #expect(bos.requests(.recharge, about: reference).count == 1) }
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("an answer to a recharge is not believed if it names another reference, but it may name a number of BOS's own")
        func answerNamingAnotherRechargeIsNotBelieved() async throws {
            try await System.field { system, bos in
                bos.on(.recharge) { request in
                    bos.execute(request)
                    let named = ["100000000002": "100000000001", "r-3": "r-1", "r-4": "482913"][request.reference] ?? request.reference
                    return .json(
                        #"{"status":true,"response_code":1,"operatorid":"0","ackno":17,"refid":"\#(named)","message":"Recharge is successful"}"#
                    )
                }
                let worker = try await system.startReadyWorker()
                for reference in ["100000000001", "100000000002", "r-3", "r-4"] {
                    try await system.upstream.publishRecharges([reference])
                    #expect(await eventually { system.lastOutcome(reference) == "succeeded" })
                }
                for (reference, evidence) in [
                    ("100000000001", "answer"), ("100000000002", "enquiry"), ("r-3", "enquiry"), ("r-4", "answer"),
                ] {
                    let reply = try JSONValue.parse(try #require(system.upstream.replies[reference]?.last).body)
                    #expect(reply["evidence"]?.text == evidence, "\(reference)")
                    if evidence == "answer" { #expect(reply["operatorid"] == .null && reply["ackno"]?.text == "17") }
                }
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a later answer about this very recharge resolves the doubt that an answer about another recharge did not")
        func laterRightAnswerResolvesDoubt() async throws {
            try await System.field { system, bos in
                bos.on(.recharge) { _ in .hang }
                bos.on(.enquiry) { request in
                    RawBOS.found(request.reference, subscriber: System.subscriber, amount: request.number < 3 ? "50" : "10.0")
                }
                let worker = try await system.startReadyWorker()
                try await system.upstream.publish(Upstream.recharge("r-1", amount: "10"), as: "r-1")
                #expect(await eventually { system.lastOutcome("r-1") == "succeeded" })
                #expect(bos.requests(.enquiry, about: "r-1").count >= 3)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("an enquiry that is refused with the recharge's own code is about the caller, and decides nothing")
        func refusedEnquiryDecidesNothing() async throws {
            try await System.field { system, bos in
                bos.on(.recharge) { request in
                    bos.execute(request)
                    return .json(#"{"status":false,"response_code":5,"message":"Something went wrong"}"#)
                }
                bos.on(.enquiry) { _ in .json(#"{"status":false,"responsecode":5,"message":"Something went wrong"}"#) }
                var worker = try await system.startReadyWorker()
                let (poller, _) = try system.startPoller()
                try await system.upstream.publishRecharges(["r-1"])
                #expect(await bos.hasHeard(.enquiry, atLeast: 4, about: "r-1"))
                system.expectNoFinal(["r-1"])
                #expect(await system.stop(worker) == 0)
                try await system.letTwoDaysPass()
                worker = try await system.startReadyWorker()
                try await system.expectParked(["r-1"])
                #expect(bos.requests(.recharge).count == 1)
                #expect(await system.stop(poller) == 0)
                #expect(await system.stop(worker) == 0)
            }
        }

        /// Answers to an enquiry that contradict themselves or say nothing about the recharge.
        private static let saysNothing = [
            "empty-list": #"{"status":true,"responsecode":1,"message":"Success","data":[]}"#,
            "empty-object": #"{"status":true,"responsecode":1,"message":"Success","data":{}}"#,
            "null-status": #"{"status":true,"responsecode":1,"message":"Success","data":{"status":null}}"#,
            "accepted-failed": #"{"status":true,"responsecode":2,"message":"Success","data":{"status":"0"}}"#,
            "initiated": #"{"status":true,"responsecode":0,"message":"Success","data":{"status":"0"}}"#,
            "accepted-done": #"{"status":true,"responsecode":2,"message":"Success","data":{"status":"1"}}"#,
        ]

        @Test("an enquiry whose data says nothing, or contradicts the code beside it, decides nothing")
        func emptyOrContradictoryDataDecidesNothing() async throws {
            try await System.field { system, bos in
                bos.on(.recharge) { _ in .hang }
                bos.on(.enquiry) { Self.saysNothing[$0.reference].map { .json($0) } }
                let worker = try await system.startReadyWorker()
                let references = Self.saysNothing.keys.sorted()
                try await system.upstream.publishRecharges(references)
                for reference in references { #expect(await bos.hasHeard(.enquiry, atLeast: 3, about: reference), "\(reference)") }
                system.expectNoFinal(references)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test(
            "a first sending that BOS calls a duplicate is answered only by an enquiry that names this subscriber and amount; otherwise it is parked at once"
        )
        func duplicateAtFirstSendingNeedsNamedEnquiry() async throws {
            try await System.field { system, bos in
                bos.on(.recharge) { _ in .json(#"{"status":false,"response_code":11,"message":"Duplicate Transaction"}"#) }
                bos.on(.enquiry) { request in
                    switch request.reference {
                    case "other": RawBOS.found("other", subscriber: "KA05MH1234", amount: "10")
                    case "nameless": .json(#"{"status":true,"responsecode":1,"message":"Transaction found"}"#)
                    case "numbers-only":
                        .json(#"{"status":true,"responsecode":1,"message":"Transaction found","data":{"status":"1","operatorid":"9"}}"#)
                    case "same": RawBOS.found("same", subscriber: System.subscriber, amount: "10")
                    default: nil
                    }
                }
                let worker = try await system.startReadyWorker()
                for reference in ["other", "nameless", "numbers-only", "same"] {
                    try await system.upstream.publish(Upstream.recharge(reference, amount: "10"), as: reference)
                }
                #expect(await eventually { system.lastOutcome("same") == "succeeded" })
                try await system.expectParked(["other", "nameless", "numbers-only"])
                for reference in ["other", "nameless", "numbers-only", "same"] {
                    #expect(bos.requests(.recharge, about: reference).count == 1)
                }
                #expect(await system.stop(worker) == 0)
            }
        }
    }
}
