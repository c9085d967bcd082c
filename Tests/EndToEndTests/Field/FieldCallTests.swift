import BrokerKit
import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// What the worker sends to BOS, and which answers it accepts.
    @Suite struct FieldCalls {
        private static let authorised = [
            "BOS_AUTH_MODE": "authorise", "BOS_AUTH_CLIENT_ID": "us", "BOS_AUTH_CLIENT_SECRET": "hidden",
        ]

        @Test(
            "a token that became void is renewed once for all calls, and no recharge is in doubt",
            arguments: [
                (
                    "401 Unauthorized", #"WWW-Authenticate: Bearer error="invalid_token""#, #"{"message":"Unauthorized"}"#
                ),
                ("401 Unauthorized", "Server: gateway", ""),
                ("200 OK", "Server: gateway", #"{"status":"ERROR","subCode":"403","message":"Token is not valid"}"#),
            ])
        func voidTokenIsRenewedOnce(status: String, header: String, body: String) async throws {
            try await System.field(Self.authorised) { system, bos in
                let isVoid = Flag()
                let check: RawBOS.Script = { request in
                    guard isVoid.isSet, request.header("Authorization") == "Bearer token-1" else { return nil }
                    return .json(body, status: status, headers: [header])
                }
                for endpoint in [RawBOS.Endpoint.recharge, .enquiry, .panStatus] { bos.on(endpoint, perform: check) }
                let worker = try await system.startReadyWorker(["BOS_AUTH_URL": "\(bos.url)/authorise"])
                try await system.upstream.publishRecharges(["first"])
                #expect(await eventually { system.lastOutcome("first") == "succeeded" })
                isVoid.set()
                let references = System.references(20)
                try await system.upstream.publishRecharges(references)
                try await system.upstream.publish(Array(#"{"referenceid":"first"}"#.utf8), as: "question", kind: "recharge.status")
                #expect(
                    await eventually(within: .seconds(15)) {
                        (references + ["question"]).allSatisfy { system.lastOutcome($0) == "succeeded" }
                    })
                for reference in references {
                    let reply = try #require(system.upstream.replies[reference]?.last)
                    #expect(reply.count(of: "enquiries") == 0, "\(reference) was in doubt")
                    #expect(system.upstream.replies[reference]?.count == 1)
                }
                #expect(bos.requests(.authorise).count == 2)
                #expect(bos.executions.values.allSatisfy { $0 == 1 })
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("each call carries the worker's User-Agent, and the history explains a 403 without JSON by its likely cause")
        func callsCarryUserAgent() async throws {
            try await System.field(Self.authorised) { system, bos in
                bos.on(.recharge) { request in
                    guard request.reference == "walled" else { return nil }
                    return .write(
                        RawBOS.answer(
                            "403 Forbidden", headers: ["Content-Type: text/html"], body: Array("<html>Request blocked.</html>".utf8)))
                }
                let worker = try await system.startReadyWorker(["BOS_AUTH_URL": "\(bos.url)/authorise"])
                try await system.upstream.publishRecharges(["done", "walled"])
                try await system.upstream.publish(Array(#"{"refid":"pan"}"#.utf8), as: "pan", kind: "pan.status")
                #expect(await bos.hasHeard(.enquiry, about: "walled"))
                #expect(await bos.hasHeard(.panStatus))
                for endpoint in RawBOS.Endpoint.allCases {
                    let agent = try #require(bos.requests(endpoint).first).header("User-Agent")
                    #expect(agent?.wholeMatch(of: /bos-worker\/\S+/) != nil, "\(endpoint.rawValue): \(agent ?? "none")")
                }
                let history = try await system.history("walled")
                #expect(history.contains("403") && history.contains("firewall"), "\(history)")
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("no recharge gets the answer of another one from a server that answers twice or closes idle connections")
        func strayAnswersAreNotTaken() async throws {
            try await System.field(["BOS_API_FINAL_CODES": "9", "BOS_API_REQUEST_TIMEOUT": "5s", "BOS_RETRY_SETTLE_WINDOW": "66s"]) {
                system, bos in
                let stray = RawBOS.answer(
                    "200 OK", body: Array(#"{"status":true,"response_code":1,"ackno":"stray","message":"Recharge is successful"}"#.utf8))
                let idle = RawBOS.answer("408 Request Timeout", headers: ["Connection: close"], body: [])
                bos.on(.recharge) { request in
                    // Every second recharge is refused. It would succeed if it took a stray answer for its own.
                    let isRefused = request.number.isMultiple(of: 2)
                    if !isRefused { bos.execute(request) }
                    let body =
                        isRefused
                        ? #"{"status":false,"response_code":9,"message":"Invalid operator"}"#
                        : #"{"status":true,"response_code":1,"ackno":"\#(request.reference)","message":"Recharge is successful"}"#
                    let own = RawBOS.answer("200 OK", body: Array(body.utf8))
                    return switch request.number % 5 {
                    case 0: .write(own + stray)
                    case 1, 2: .writeAndOwe(own, stray)
                    case 3: .writeThenExpire(own, idle, after: .milliseconds(2))
                    default: .write(own)
                    }
                }
                let worker = try await system.startReadyWorker()
                let references = System.references(Scale.strayAnswers)
                try await system.upstream.publishRecharges(references)
                #expect(await eventually(within: .seconds(120)) { system.upstream.replies.count == references.count })
                for (reference, replies) in system.upstream.replies {
                    for received in replies where received.isFinal {
                        let reply = try JSONValue.parse(received.body)
                        let isExecuted = bos.executions[reference] == 1
                        #expect(received.outcome == (isExecuted ? "succeeded" : "failed"), "\(reference)")
                        #expect(!isExecuted || reply["ackno"]?.text == reference || reply["evidence"]?.text == "enquiry", "\(reference)")
                    }
                }
                #expect(bos.executions.values.allSatisfy { $0 == 1 })
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test(
            "http:// to another machine is refused at the start unless api.allowPlainHTTP is true",
            arguments: [("BOS_API_BASE_URL", "api.baseURL"), ("BOS_AUTH_URL", "auth.url")])
        func plainHTTPIsRefused(variable: String, key: String) async throws {
            try await System.field(Self.authorised) { system, bos in
                let settings = ["BOS_AUTH_URL": "\(bos.url)/authorise"].merging([variable: "http://192.0.2.1/api"]) { $1 }
                let refused = try system.startWorker(settings)
                #expect(await refused.exitCode(within: .seconds(8)) == 78)
                #expect(refused.output.contains(key) && refused.output.contains("api.allowPlainHTTP"), "\(refused.output)")
            }
        }

        @Test("requests to /readyz and /api/status leave the ledger's counter of checks alone")
        func healthPagesWriteNoCheck() async throws {
            try await System.field { system, _ in
                let worker = try await system.startReadyWorker()
                func writes() async throws -> Int {
                    let text = try await Tool.run(
                        "/usr/bin/sqlite3", arguments: ["-readonly", "\(system.folder.path)/ledger.sqlite", "SELECT checks FROM ledger"])
                    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
                }
                let before = try await writes()
                for _ in 1...50 {
                    #expect(try await Web.get("\(system.http)/readyz").status == 200)
                    #expect(try await Web.get("\(system.http)/api/status").status == 200)
                }
                // The worker itself checks the ledger every few seconds.
                #expect(try await writes() - before <= 5)
                #expect(await system.stop(worker) == 0)
            }
        }
    }
}
