import AMQP
import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// What stops a lane, what slows it, and what must do neither.
    @Suite struct FieldLanes {
        @Test(
            "while BOS says \"not now\", recharges wait, one at a time is tried, and none fails",
            arguments: [
                ("200 OK", #"{"status":false,"response_code":6,"message":"Service under maintenance, try after 02:00"}"#),
                ("402 Payment Required", #"{"status":false,"response_code":16,"message":"Insufficient fund in your account"}"#),
            ])
        func postponedRechargesWait(status: String, body: String) async throws {
            try await System.fieldAtWork { system, bos in
                let isOver = Flag()
                bos.on(.recharge) { _ in isOver.isSet ? nil : .json(body, status: status) }
                let references = System.references(200)
                try await system.upstream.publishRecharges(references)
                #expect(
                    await eventually {
                        let answer = try await Web.get("\(system.http)/readyz")
                        return answer.status == 503 && answer.text.contains("postponed")
                    })
                // One recharge at a time is tried. Without the pause the whole queue would have been sent by now.
                let before = bos.requests(.recharge).count
                #expect(before < references.count)
                #expect(await bos.hasHeard(.recharge, atLeast: before + 2))
                #expect(bos.requests(.recharge).count < references.count)
                system.expectNoFinal(references)
                // The next trial ends the pause. Each pause between trials is longer than the one before.
                isOver.set()
                #expect(await eventually(within: .seconds(30)) { system.upstream.finalCount == references.count })
                let haveAllSucceeded = references.allSatisfy { system.lastOutcome($0) == "succeeded" }
                #expect(haveAllSucceeded)
                #expect(bos.executions.values.allSatisfy { $0 == 1 })
                #expect(await system.isReady())
            }
        }

        /// The broker counts in `x-delivery-count` how often a message came back to its queue. It gives up a message that came back too often.
        @Test("while one recharge is tried, the others stay in their queue and are not delivered over and over")
        func trialDeliversOneJob() async throws {
            try await System.field { system, bos in
                let worker = try await system.startReadyWorker()
                let hold = Hold()
                bos.on(.recharge) { request in
                    let body = #"{"status":false,"response_code":6,"message":"Service under maintenance, try after 02:00"}"#
                    let answer = RawBOS.answer("200 OK", body: Array(body.utf8))
                    return request.field("referenceid") == "first" ? .write(answer) : .hold(hold, answer)
                }
                try await system.upstream.publishRecharges(["first"])
                #expect(await eventually { try await Web.get("\(system.http)/readyz").text.contains("postponed") })
                let references = System.references(20)
                try await system.upstream.publishRecharges(references)
                #expect(await bos.hasHeard(.recharge, atLeast: 2))
                // The broker gets back what the worker holds, which is the job on trial.
                worker.send(SIGKILL)
                _ = await worker.exitCode()
                let messages = await system.upstream.messages(references.count, of: system.names.recharge)
                #expect(messages.filter { $0.properties.headers["x-delivery-count"] != nil }.count == 1)
            }
        }

        @Test("when nearly all recharges are refused with one code, the queue is not drained into failures, and goes on once that is over")
        func equalRefusalsStopTheLane() async throws {
            try await System.fieldAtWork(["BOS_BREAKER_REFUSALS_INTERVAL": "1s"]) { system, bos in
                try await system.calibrate(bos)
                let isOver = Flag()
                bos.on(.recharge) { _ in isOver.isSet ? nil : .json(#"{"status":false,"response_code":77,"message":"Try again"}"#) }
                let references = System.references(200)
                try await system.upstream.publishRecharges(references)
                #expect(
                    await eventually {
                        let answer = try await Web.get("\(system.http)/readyz")
                        return answer.status == 503 && answer.text.contains("refus")
                    })
                let before = bos.requests(.recharge).count
                #expect(await bos.hasHeard(.recharge, atLeast: before + 2))
                #expect(bos.requests(.recharge).count < 150)
                isOver.set()
                #expect(await eventually(within: .seconds(30)) { system.upstream.finalCount == references.count + 1 })
                let succeeded = references.filter { system.lastOutcome($0) == "succeeded" }
                #expect(succeeded.count > 50)
                #expect(Set(bos.executions.keys) == Set(succeeded + ["known"]))
            }
        }

        @Test("a job whose own RegisterID BOS refuses delays no other job and is not retried in a tight loop")
        func refusedRegisterIDStopsNoOther() async throws {
            try await System.fieldAtWork { system, bos in
                bos.on(.recharge) { request in
                    request.field("RegisterID") == "BAD"
                        ? .json(#"{"status":false,"response_code":16,"message":"Authentication failed"}"#, status: "401 Unauthorized")
                        : nil
                }
                let bad = Array(
                    #"{"operator":311,"canumber":"\#(System.subscriber)","amount":1,"referenceid":"bad","RegisterID":"BAD"}"#.utf8)
                try await system.upstream.publish(bad, as: "bad")
                #expect(await bos.hasHeard(.recharge, about: "bad"))
                let references = System.references(100)
                try await system.upstream.publishRecharges(references)
                #expect(await eventually(within: .seconds(5)) { references.allSatisfy { system.lastOutcome($0) == "succeeded" } })
                #expect(bos.requests(.recharge, about: "bad").count <= 12)
                #expect(await system.isReady())
                if let outcome = system.lastOutcome("bad") {
                    #expect(outcome == "failed")
                    let error = try JSONValue.parse(system.upstream.replies["bad"]?.last?.body ?? [])["error"]?["code"]?.text
                    #expect(error == "refused_by_bos")
                }
            }
        }

        @Test("a 429 with Retry-After stops the whole lane until then")
        func retryAfterStopsTheLane() async throws {
            try await System.fieldAtWork { system, bos in
                bos.on(.recharge) { request in
                    request.number == 1 ? .json("{}", status: "429 Too Many Requests", headers: ["Retry-After: 3"]) : nil
                }
                try await system.upstream.publishRecharges(["first"])
                // The answer has arrived, and the worker knows the pause.
                #expect(await eventually { try await system.history("first").contains("429") })
                let references = System.references(30)
                try await system.upstream.publishRecharges(references)
                let all = references + ["first"]
                #expect(await eventually(within: .seconds(20)) { all.allSatisfy { system.lastOutcome($0) == "succeeded" } })
                let calls = bos.requests(.recharge)
                #expect(calls.count == all.count + 1)
                let pause = try #require(calls.dropFirst().first).arrivedAt - (try #require(calls.first).arrivedAt)
                #expect(pause >= .milliseconds(2_900), "a recharge was sent in the time that BOS asked for")
            }
        }

        @Test("a 503 with Retry-After is followed by no enquiry before that time")
        func retryAfterDelaysTheEnquiry() async throws {
            try await System.fieldAtWork { system, bos in
                bos.on(.recharge) { request in
                    bos.execute(request)
                    return .json("{}", status: "503 Service Unavailable", headers: ["Retry-After: 2"])
                }
                try await system.upstream.publishRecharges(["r-1"])
                #expect(await eventually(within: .seconds(20)) { system.lastOutcome("r-1") == "succeeded" })
                let sent = try #require(bos.requests(.recharge).first).arrivedAt
                let asked = try #require(bos.requests(.enquiry, about: "r-1").first).arrivedAt
                #expect(asked - sent >= .milliseconds(1_900))
                #expect(bos.executions == ["r-1": 1])
            }
        }

        @Test("after an outage recharges go on though BOS answers an enquiry about an unknown recharge with nothing that is known")
        func unknownEnquiryAnswerEndsOutage() async throws {
            try await System.fieldAtWork { system, bos in
                let isBroken = Flag()
                func references(_ name: String, count: Int) -> [String] { (1...count).map { "\(name)-\($0)" } }
                let (known, later) = (references("known", count: 1), references("later", count: 20))
                for endpoint in [RawBOS.Endpoint.recharge, .enquiry] {
                    bos.on(endpoint) { request in
                        if isBroken.isSet { return .json("{}", status: "503 Service Unavailable") }
                        guard endpoint == .enquiry, bos.executions[request.reference] == nil else { return nil }
                        return .json(#"{"message":"The reference is not valid"}"#, status: "404 Not Found")
                    }
                }
                try await system.upstream.publishRecharges(known)
                #expect(await eventually { system.lastOutcome(known[0]) == "succeeded" })
                isBroken.set()
                try await system.upstream.publishRecharges(references("broken", count: 40))
                let pause = "\(system.names.recharge) paused (bos)"
                #expect(await eventually { try await Web.get("\(system.http)/readyz").text.contains(pause) })
                isBroken.clear()
                try await system.upstream.publishRecharges(later)
                #expect(await eventually(within: .seconds(20)) { later.allSatisfy { system.lastOutcome($0) == "succeeded" } })
                #expect(bos.executions.values.allSatisfy { $0 == 1 })
            }
        }

        @Test("copies of one slow job do not stop the lane, though there are as many as it has slots; each copy is answered")
        func copiesOfSlowJobDoNotStopTheLane() async throws {
            try await System.field(["BOS_API_REQUEST_TIMEOUT": "20s", "BOS_RETRY_SETTLE_WINDOW": "90s"]) { system, bos in
                let hold = Hold()
                bos.on(.recharge) { request in
                    guard request.reference == "slow" else { return nil }
                    bos.execute(request)
                    return .hold(hold, RawBOS.done)
                }
                let worker = try await system.startReadyWorker()
                try await system.upstream.publish(Upstream.recharge("slow"), as: "slow-0")
                #expect(await eventually { hold.count == 1 })
                let copies = (1...64).map { "slow-\($0)" }
                for name in copies { try await system.upstream.publish(Upstream.recharge("slow"), as: name) }
                let references = System.references(20)
                try await system.upstream.publishRecharges(references)
                #expect(await eventually(within: .seconds(8)) { references.allSatisfy { system.lastOutcome($0) == "succeeded" } })
                #expect(hold.count == 1)
                system.expectNoFinal(["slow-0"] + copies)
                hold.open()
                #expect(await eventually { (["slow-0"] + copies).allSatisfy { system.lastOutcome($0) == "succeeded" } })
                #expect(bos.executions["slow"] == 1)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("nothing is sent once expires_at has passed while the worker waited for a token")
        func expiredWhileWaitingForTokenIsNotSent() async throws {
            let settings = ["BOS_AUTH_MODE": "authorise", "BOS_AUTH_CLIENT_ID": "us", "BOS_AUTH_CLIENT_SECRET": "hidden"]
            try await System.field(settings) { system, bos in
                let hold = Hold()
                let expiry = Int(Date().timeIntervalSince1970) + 4
                bos.on(.authorise) { request in
                    guard request.number == 1 else { return .hold(hold, RawBOS.token(request.number, expiry: 4_102_444_800)) }
                    return .write(RawBOS.token(1, expiry: expiry))
                }
                let worker = try await system.startReadyWorker(["BOS_AUTH_URL": "\(bos.url)/authorise"])
                let (poller, _) = try system.startPoller()
                #expect(await eventually { hold.count > 0 && Date().timeIntervalSince1970 > Double(expiry) })
                let deadline = Date(timeIntervalSinceNow: 1)
                try await system.upstream.publish(Upstream.recharge("late", expiresAt: deadline), as: "late")
                #expect(await eventually { Date() > deadline })
                hold.open()
                #expect(await eventually { system.lastOutcome("late") == "expired" }, "last reply: \(system.lastOutcome("late") ?? "none")")
                #expect(bos.requests(.recharge).isEmpty)
                #expect(await system.stop(poller) == 0)
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("nothing is sent once expires_at has passed while the job waited for api.ratePerSecond")
        func expiredInRateLimitIsNotSent() async throws {
            try await System.fieldAtWork(["BOS_API_RATE_PER_SECOND": "1"]) { system, bos in
                let references = System.references(6)
                let expiry = Date(timeIntervalSinceNow: 1.5)
                for reference in references {
                    try await system.upstream.publish(Upstream.recharge(reference, expiresAt: expiry), as: reference)
                }
                #expect(await eventually(within: .seconds(15)) { system.upstream.finalCount == references.count })
                // With one call a second, at most two leave within a second and a half.
                #expect(bos.requests(.recharge).count <= 2)
                #expect(references.contains { system.lastOutcome($0) == "expired" })
            }
        }
    }
}
