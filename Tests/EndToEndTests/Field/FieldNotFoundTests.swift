import Foundation
import Testing

extension EndToEnd {
    /// When "not found" is believed.
    @Suite struct FieldNotFound {
        /// BOS executes each recharge and resets the connection. It answers only the recharge of the calibration.
        private static func loseAnswers(_ bos: RawBOS) {
            bos.on(.recharge) { request in
                guard request.reference != "known" else { return nil }
                bos.execute(request)
                return .reset
            }
        }

        @Test("a recharge that BOS never finds afterwards is sent once, and is parked after the settle window")
        func neverFoundRechargeIsParked() async throws {
            try await System.field { system, bos in
                Self.loseAnswers(bos)
                bos.on(.enquiry, perform: RawBOS.blind)
                let worker = try await system.startReadyWorker()
                try await system.upstream.publishRecharges(["r-1"])
                try await system.expectParked(["r-1"])
                #expect(bos.requests(.enquiry, about: "r-1").count >= 3)
                #expect(bos.executions == ["r-1": 1])
                // A restart does not send it either.
                #expect(await system.stop(worker) == 0)
                let next = try await system.startReadyWorker()
                try await system.calibrate(bos)
                #expect(bos.executions["r-1"] == 1)
                system.expectNoFinal(["r-1"])
                #expect(await system.stop(next) == 0)
            }
        }

        @Test(
            "a person resolves at once all recharges that BOS does not know; one that BOS knows by then, or has accepted before, is left as it is"
        )
        func personResolvesAllNotFound() async throws {
            try await System.field { system, bos in
                let isFound = Flag()
                bos.on(.recharge) { request in
                    switch request.reference {
                    case "known": nil
                    case "taken": .json(#"{"status":true,"response_code":2,"message":"Request accepted"}"#)
                    default: .reset
                    }
                }
                bos.on(.enquiry) { request in
                    func found(_ status: String) -> RawBOS.Action {
                        RawBOS.found(request.reference, subscriber: System.subscriber, amount: "1", status: status)
                    }
                    return request.reference == "taken" ? found("2") : request.reference == "late" && isFound.isSet ? found("1") : nil
                }
                let worker = try await system.startReadyWorker()
                try await system.calibrate(bos)
                try await system.upstream.publishRecharges(["lost-1", "lost-2", "late", "taken"])
                try await system.expectParked(["lost-1", "lost-2", "late"])
                #expect(await eventually { try await system.doubt("taken") != nil })
                isFound.set()
                let command = ["resolve", "--not-found", "--older-than", "1s", "--failed", "--reason", "BOS support: none of them"]
                let unconfirmed = try await system.bosctl(command)
                #expect(unconfirmed.code == 1, "\(unconfirmed.output)")
                #expect(unconfirmed.output.contains("3 recharges were not resolved"), "\(unconfirmed.output)")
                system.expectNoFinal(["lost-1", "lost-2", "late", "taken"])
                let resolved = try await system.bosctl(command + ["--yes"])
                #expect(resolved.code == 0, "\(resolved.output)")
                for part in ["left out: 1 recharges", "recharge late is left as it was", "resolved: 2, left as they were: 1"] {
                    #expect(resolved.output.contains(part), "\(resolved.output)")
                }
                #expect(await eventually { ["lost-1", "lost-2"].allSatisfy { system.lastOutcome($0) == "failed" } })
                system.expectNoFinal(["late", "taken"])
                #expect(bos.executions == ["known": 1])
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("not found is not believed while the enquiry has never found a recharge, even with retry.settle.notFound believe")
        func blindEnquiryIsNotBelieved() async throws {
            try await System.field(System.believing) { system, bos in
                Self.loseAnswers(bos)
                bos.on(.enquiry, perform: RawBOS.blind)
                let worker = try await system.startReadyWorker()
                // The worker enquires about a recharge that BOS has just executed, and BOS does not know it.
                try await system.calibrate(bos)
                let soon = Date(timeIntervalSinceNow: 1.5)
                try await system.upstream.publish(Upstream.recharge("expires", expiresAt: soon), as: "expires")
                try await system.upstream.publishRecharges(["waits"])
                // Twenty enquiries take longer than the window and the deadline.
                for reference in ["expires", "waits"] { #expect(await bos.hasHeard(.enquiry, atLeast: 20, about: reference)) }
                system.expectNoFinal(["expires", "waits"])
                #expect(bos.executions == ["known": 1, "expires": 1, "waits": 1])
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("with retry.settle.notFound believe, not found is believed once the enquiry has found a recharge that BOS has executed")
        func notFoundIsBelievedAfterCalibration() async throws {
            try await System.field(System.believing) { system, bos in
                bos.on(.recharge) { request in request.reference == "lost" && request.number < 3 ? .reset : nil }
                let worker = try await system.startReadyWorker()
                try await system.calibrate(bos)
                try await system.upstream.publishRecharges(["lost"])
                #expect(await eventually(within: .seconds(20)) { system.lastOutcome("lost") == "succeeded" })
                #expect(bos.requests(.recharge, about: "lost").count == 2)
                #expect(bos.requests(.enquiry, about: "lost").count >= 3)
                #expect(bos.executions == ["known": 1, "lost": 1])
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a refusal with an unknown code is believed after two answers of a calibrated enquiry, not after one")
        func unknownRefusalNeedsTwoEnquiries() async throws {
            try await System.fieldAtWork { system, bos in
                bos.on(.recharge) { request in
                    request.reference == "refused" ? .json(#"{"status":false,"response_code":9,"message":"Invalid operator"}"#) : nil
                }
                try await system.calibrate(bos)
                try await system.upstream.publishRecharges(["refused"])
                #expect(await eventually(within: .seconds(20)) { system.lastOutcome("refused") == "failed" })
                let questions = bos.requests(.enquiry, about: "refused")
                #expect(questions.count >= 2)
                let (first, last) = (try #require(questions.first), try #require(questions.last))
                #expect(last.arrivedAt - first.arrivedAt >= .milliseconds(900), "it was believed before the window was over")
            }
        }

        @Test("a refusal with an unknown code stays in doubt while the enquiry has never found a recharge")
        func unknownRefusalStaysInDoubtWithBlindEnquiry() async throws {
            try await System.fieldAtWork { system, bos in
                bos.on(.recharge) { _ in .json(#"{"status":false,"response_code":9,"message":"Invalid operator"}"#) }
                bos.on(.enquiry, perform: RawBOS.blind)
                try await system.upstream.publishRecharges(["refused"])
                #expect(await bos.hasHeard(.enquiry, atLeast: 15, about: "refused"))
                system.expectNoFinal(["refused"])
            }
        }

        @Test("after a restart with another API a doubt is not sent there; the worker logs it, and the doubt is parked")
        func doubtIsNotSentToAnotherAPI() async throws {
            try await System.field(System.believing) { system, bos in
                bos.on(.recharge) { request in
                    guard request.reference != "known" else { return nil }
                    bos.execute(request)
                    return .hang
                }
                bos.on(.enquiry) { $0.reference == "lost" ? .hang : nil }
                let worker = try await system.startReadyWorker()
                try await system.calibrate(bos)
                try await system.upstream.publishRecharges(["lost"])
                #expect(await bos.hasHeard(.enquiry, about: "lost"))
                #expect(await system.stop(worker) == 0)
                try await RawBOS.run { other in
                    let moved = try await system.startReadyWorker(["BOS_API_BASE_URL": "\(other.url)/api/BOS"])
                    try await system.calibrate(other, as: "known-there")
                    try await system.expectParked(["lost"])
                    #expect(other.requests(.recharge, about: "lost").isEmpty)
                    #expect(bos.executions["lost"] == 1)
                    let warnings = System.lines(of: moved, with: "another API")
                    #expect(warnings.count == 1, "\(moved.output)")
                    #expect(await system.stop(moved) == 0)
                }
            }
        }
    }
}
