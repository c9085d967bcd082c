import BOSSimulatorKit
import ExactJSON
import Foundation
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Suite("The simulator over HTTP", .timeLimit(.minutes(1)))
struct SimulatorServerTests {
    /// Runs a simulator on a free port while `body` runs.
    private func withSimulator(
        _ change: (inout Simulator.Configuration) -> Void = { _ in }, body: (_ address: String) async throws -> Void
    ) async throws {
        var configuration = Simulator.Configuration()
        change(&configuration)
        try await Simulator(configuration: configuration).serve(while: body)
    }

    private func send(
        _ method: String, to url: String, body: String = "", headers: [String: String] = [:]
    ) async throws -> (status: Int, json: JSONValue, retryAfter: String?) {
        var request = URLRequest(url: try #require(URL(string: url)))
        request.httpMethod = method
        if !body.isEmpty { request.httpBody = Data(body.utf8) }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await URLSession(configuration: .ephemeral).data(for: request)
        let http = try #require(response as? HTTPURLResponse)
        return (http.statusCode, (try? JSONValue.parse(Array(data))) ?? .null, http.value(forHTTPHeaderField: "Retry-After"))
    }

    private let recharge = #"{"operator":311,"canumber":"DL1","amount":10.5,"referenceid":"r1","RegisterID":"1"}"#

    @Test("a recharge is answered in the form that the provider's clients show, and is in the books")
    func rechargeIsAnsweredAndInTheBooks() async throws {
        try await withSimulator { address in
            let answer = try await send("POST", to: "\(address)/api/BOS/DoRecharge", body: recharge)
            #expect(answer.status == 200)
            #expect(answer.json["status"] == .bool(true))
            #expect(answer.json["response_code"] == .number("1"))
            #expect(answer.json["operatorid"] == .string("0"))
            #expect(answer.json["ackno"] == .number("6080362920"))
            #expect(answer.json["refid"] == .string("279479"))
            let books = try await send("GET", to: "\(address)/simulator/books").json
            #expect(books["executed"] == .number("1"))
            #expect(books["calls"]?["DoRecharge"] == .number("1"))
            let references = try await send("GET", to: "\(address)/simulator/books?references=1").json
            #expect(references["r1"]?["paise"] == .number("1050"))
            #expect(try await send("POST", to: "\(address)/simulator/reset").status == 200)
            #expect(try await send("GET", to: "\(address)/simulator/books").json["executed"] == .number("0"))
        }
    }

    @Test("the fault plan can be replaced over HTTP, and an impossible one is refused and changes nothing")
    func faultPlanOverHTTP() async throws {
        try await withSimulator { address in
            let plan = #"{"seed":3,"faults":[{"fault":"tooMany","probability":1,"value":4}]}"#
            #expect(try await send("PUT", to: "\(address)/simulator/faults", body: plan).status == 200)
            let answer = try await send("POST", to: "\(address)/api/BOS/DoRecharge", body: recharge)
            #expect(answer.status == 429)
            #expect(answer.retryAfter == "4")
            let refusal = try await send("PUT", to: "\(address)/simulator/faults", body: #"{"faults":[{"fault":"nothing"}]}"#)
            #expect(refusal.status == 400)
            #expect(refusal.json["error"] != nil)
            #expect(try await send("GET", to: "\(address)/simulator/faults").json["seed"] == .number("3"))
        }
    }

    @Test("the API accepts a token of the authorise call, and refuses an invented one")
    func tokensOfTheAuthoriseCall() async throws {
        try await withSimulator({ $0.isTokenRequired = true }) { address in
            let grant = try await send(
                "POST", to: "\(address)/payout/v1/authorize", headers: ["X-Client-Id": "id", "X-Client-Secret": "secret"])
            let token = try #require(grant.json["data"]?["token"]?.text)
            let url = "\(address)/api/BOS/DoRecharge"
            #expect(try await send("POST", to: url, body: recharge, headers: ["Authorization": "Bearer \(token)"]).status == 200)
            let refusal = try await send("POST", to: url, body: recharge, headers: ["Authorization": "Bearer invented"])
            #expect(refusal.status == 401)
            #expect(refusal.json["response_code"] == .number("16"))
            #expect(try await send("POST", to: "\(address)/payout/v1/authorize").status == 403)
        }
    }

    @Test("the shape of answers, the number in refid and blindness can be configured")
    func configuredAnswers() async throws {
        let enquiry = #"{"registrationID":"1","referenceid":"r1"}"#
        try await withSimulator({ $0.shape = .page }) { address in
            let answer = try await send("POST", to: "\(address)/api/BOS/DoRecharge", body: recharge)
            #expect(answer.json["ackno"] == .string("6080362920"))
            let found = try await send("POST", to: "\(address)/api/BOS/RechargesStatus", body: enquiry)
            #expect(found.json["data"]?["refid"] == .string("r1"))
        }
        try await withSimulator({ ($0.hasOwnNumber, $0.isBlind) = (false, true) }) { address in
            let answer = try await send("POST", to: "\(address)/api/BOS/DoRecharge", body: recharge)
            #expect(answer.json["refid"] == .string("r1"))
            let found = try await send("POST", to: "\(address)/api/BOS/RechargesStatus", body: enquiry)
            #expect(found.json["message"] == .string("No record found"))
        }
    }

    @Test("a 401 without a code has its challenge on the wire, and an answer that comes twice is there twice")
    func challengeAndDoubleAnswerOnTheWire() async throws {
        try await withSimulator({ $0.plan = FaultPlan(faults: [FaultRule(.unauthorised)]) }) { address in
            var request = URLRequest(url: try #require(URL(string: "\(address)/api/BOS/DoRecharge")))
            request.httpMethod = "POST"
            request.httpBody = Data(recharge.utf8)
            let (_, response) = try await URLSession(configuration: .ephemeral).data(for: request)
            let http = try #require(response as? HTTPURLResponse)
            #expect(http.statusCode == 401)
            #expect(http.value(forHTTPHeaderField: "WWW-Authenticate") == #"Bearer error="invalid_token""#)
        }
        try await withSimulator({ $0.plan = FaultPlan(faults: [FaultRule(.twice)]) }) { address in
            let text = try Self.exchange(recharge, with: "DoRecharge", at: address)
            #expect(text.components(separatedBy: #""ackno":6080362920"#).count == 3, "\(text)")
            #expect(text.components(separatedBy: "HTTP/1.1 200 OK").count == 3, "\(text)")
        }
    }

    /// Sends one request.
    /// - Returns: everything that the server sends until it closes the connection.
    private static func exchange(_ body: String, with endpoint: String, at address: String) throws -> String {
        let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        target.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        try #require(connected == 0)
        let request =
            "POST /api/BOS/\(endpoint) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        try #require(write(descriptor, request, request.utf8.count) == request.utf8.count)
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { received += buffer[..<count] }
        return String(decoding: received, as: UTF8.self)
    }

    @Test("another base path and /simulator/health are served, and other paths are not found")
    func servedPaths() async throws {
        try await withSimulator({ $0.basePath = "/other" }) { address in
            let there = try await send("POST", to: "\(address)/other/DoRecharge", body: recharge)
            let elsewhere = try await send("POST", to: "\(address)/api/BOS/DoRecharge", body: recharge)
            let health = try await send("GET", to: "\(address)/simulator/health")
            #expect(there.status == 200)
            #expect(elsewhere.status == 404)
            #expect(health.status == 200)
        }
    }
}
