import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// Only known words end a PAN application.
    @Suite struct FieldPAN {
        private static let often = ["BOS_POLLER_PAN_FIRST_CHECK_AFTER": "1s", "BOS_POLLER_PAN_MAXIMUM_INTERVAL": "1s"]

        /// BOS's answers about applications that are undecided, or described in unknown words.
        private static let undecided: [(name: String, status: String, body: String, message: String)] = [
            (
                "objection", "200 OK", #"{"status":true,"response_code":1,"message":"Objection raised, documents awaited"}"#,
                "Objection raised"
            ),
            ("process", "200 OK", #"{"status":true,"response_code":1,"message":"Application is in process"}"#, "Application is in process"),
            ("marked", "200 OK", #"{"status":true,"response_code":1,"message":"Marked for clarification"}"#, "Marked for clarification"),
            ("fetch", "200 OK", #"{"status":true,"response_code":1,"message":"Unable to fetch status, please try later"}"#, "Unable to"),
            ("later", "200 OK", #"{"status":false,"message":"Service unavailable, try later"}"#, ""),
            ("code", "401 Unauthorized", #"{"status":false,"response_code":7,"message":"Service unavailable, try later"}"#, ""),
            (
                "both", "200 OK", #"{"status":true,"response_code":1,"message":"PAN has been allotted, application is under process"}"#,
                "PAN has"
            ),
        ]

        @Test("an application is pending, and is checked again, until BOS decides it in known words")
        func unknownWordsKeepApplicationPending() async throws {
            try await System.fieldAtWork(Self.often) { system, bos in
                let isDecided = Flag()
                bos.on(.panStatus) { request in
                    if isDecided.isSet { return RawBOS.pan("Your PAN has been allotted") }
                    return Self.undecided.first { $0.name == request.reference }.map { .json($0.body, status: $0.status) }
                }
                let names = Self.undecided.map(\.name)
                for name in names { try await system.upstream.publish(Array("{\"refid\":\"\(name)\"}".utf8), as: name, kind: "pan.status") }
                for name in names { #expect(await bos.hasHeard(.panStatus, atLeast: 2, about: name), "\(name) is not checked again") }
                system.expectNoFinal(names)
                for (name, _, _, message) in Self.undecided where !message.isEmpty {
                    #expect(await eventually { system.upstream.replies[name] != nil })
                    let reply = try JSONValue.parse(try #require(system.upstream.replies[name]?.first).body)
                    #expect(reply["outcome"]?.text == "pending", "\(name)")
                    #expect(reply["message"]?.text?.hasPrefix(message) == true, "\(name)")
                }
                isDecided.set()
                #expect(await eventually(within: .seconds(20)) { names.allSatisfy { system.lastOutcome($0) == "succeeded" } })
            }
        }

        @Test("an application that BOS rejects or calls a duplicate is failed at once")
        func rejectedAndDuplicateApplicationsFail() async throws {
            try await System.field { system, bos in
                bos.on(.panStatus) { request in
                    request.reference == "twice"
                        ? .json(#"{"status":"Failed","message":"Duplicate RefID"}"#, status: "401 Unauthorized")
                        : RawBOS.pan("Application rejected by NSDL")
                }
                let worker = try await system.startReadyWorker()
                for name in ["twice", "rejected"] {
                    try await system.upstream.publish(Array("{\"refid\":\"\(name)\"}".utf8), as: name, kind: "pan.status")
                }
                #expect(await eventually { ["twice", "rejected"].allSatisfy { system.lastOutcome($0) == "failed" } })
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("bosctl lists an application as pending during its first check")
        func applicationIsListedDuringFirstCheck() async throws {
            try await System.field(["BOS_API_REQUEST_TIMEOUT": "10s", "BOS_RETRY_SETTLE_WINDOW": "90s"]) { system, bos in
                let hold = Hold()
                bos.on(.panStatus) { _ in .hold(hold, RawBOS.answer("200 OK", body: Array("{}".utf8))) }
                let worker = try await system.startReadyWorker()
                try await system.upstream.publish(Array(#"{"refid":"first"}"#.utf8), as: "first", kind: "pan.status")
                #expect(await eventually { hold.count == 1 })
                let pending = try await system.bosctl("pending").output
                #expect(pending.contains("first"), "\(pending)")
                hold.open()
                #expect(await system.stop(worker) == 0)
            }
        }
    }
}
