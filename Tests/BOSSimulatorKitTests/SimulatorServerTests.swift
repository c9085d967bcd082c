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
        _ change: (inout Simulator.Configuration) -> Void = { _ in }, _ body: (_ address: String) async throws -> Void
    ) async throws {
        var configuration = Simulator.Configuration()
        change(&configuration)
        try await Simulator(configuration: configuration).serve(while: body)
    }

    private func send(
        _ method: String, _ url: String, _ body: String = "", headers: [String: String] = [:]
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

    @Test("a recharge is answered as the provider's sample shows it and stands in the books")
    func recharges() async throws {
        try await withSimulator { address in
            let answer = try await send("POST", "\(address)/api/BOS/DoRecharge", recharge)
            #expect(answer.status == 200)
            #expect(answer.json["status"] == .bool(true))
            #expect(answer.json["response_code"] == .number("1"))
            #expect(answer.json["operatorid"]?.kindName == "a number")
            #expect(answer.json["ackno"]?.kindName == "a string")
            let books = try await send("GET", "\(address)/simulator/books").json
            #expect(books["executed"] == .number("1"))
            #expect(books["calls"]?["DoRecharge"] == .number("1"))
            let references = try await send("GET", "\(address)/simulator/books?references=1").json
            #expect(references["r1"]?["paise"] == .number("1050"))
            #expect(try await send("POST", "\(address)/simulator/reset").status == 200)
            #expect(try await send("GET", "\(address)/simulator/books").json["executed"] == .number("0"))
        }
    }

    @Test("the fault plan is replaced over HTTP, and a wrong one is refused and changes nothing")
    func planOverHTTP() async throws {
        try await withSimulator { address in
            let plan = #"{"seed":3,"faults":[{"fault":"tooMany","probability":1,"value":4}]}"#
            #expect(try await send("PUT", "\(address)/simulator/faults", plan).status == 200)
            let answer = try await send("POST", "\(address)/api/BOS/DoRecharge", recharge)
            #expect(answer.status == 429)
            #expect(answer.retryAfter == "4")
            let refusal = try await send("PUT", "\(address)/simulator/faults", #"{"faults":[{"fault":"nothing"}]}"#)
            #expect(refusal.status == 400)
            #expect(refusal.json["error"] != nil)
            #expect(try await send("GET", "\(address)/simulator/faults").json["seed"] == .number("3"))
        }
    }

    @Test("a token from the authorise call opens the API and a made-up one does not")
    func tokens() async throws {
        try await withSimulator({ $0.isTokenRequired = true }) { address in
            let grant = try await send(
                "POST", "\(address)/payout/v1/authorize", headers: ["X-Client-Id": "id", "X-Client-Secret": "secret"])
            let token = try #require(grant.json["data"]?["token"]?.text)
            let url = "\(address)/api/BOS/DoRecharge"
            #expect(try await send("POST", url, recharge, headers: ["Authorization": "Bearer \(token)"]).status == 200)
            let refusal = try await send("POST", url, recharge, headers: ["Authorization": "Bearer made-up"])
            #expect(refusal.status == 401)
            #expect(refusal.json["response_code"] == .number("16"))
            #expect(try await send("POST", "\(address)/payout/v1/authorize").status == 403)
        }
    }

    @Test("another base path and health are served, and other paths are not found")
    func paths() async throws {
        try await withSimulator({ $0.basePath = "/other" }) { address in
            let there = try await send("POST", "\(address)/other/DoRecharge", recharge)
            let elsewhere = try await send("POST", "\(address)/api/BOS/DoRecharge", recharge)
            let health = try await send("GET", "\(address)/simulator/health")
            #expect(there.status == 200)
            #expect(elsewhere.status == 404)
            #expect(health.status == 200)
        }
    }
}
