import ExactJSON
import Foundation
import FoundationNetworking

/// HTTP calls to the programs under test.
enum Web {
    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]

        var json: JSONValue? { try? JSONValue.parse(body) }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    static func get(_ url: String) async throws -> Answer { try await send("GET", to: url, body: nil) }

    static func put(_ url: String, body: String) async throws -> Answer { try await send("PUT", to: url, body: Data(body.utf8)) }

    private static func send(_ method: String, to url: String, body: Data?) async throws -> Answer {
        guard let url = URL(string: url) else { throw URLError(.badURL) }
        var request = URLRequest(url: url, timeoutInterval: 10)
        request.httpMethod = method
        request.httpBody = body
        let (data, response) = try await URLSession.shared.data(for: request)
        return Answer(status: (response as? HTTPURLResponse)?.statusCode ?? 0, body: Array(data))
    }
}

/// Polls a condition in another process until it is true or the limit has passed. Such a state cannot be awaited.
/// - Returns: false if the limit has passed.
func eventually(within limit: Duration = .seconds(60), _ isSo: () async throws -> Bool) async -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while clock.now < deadline {
        if let answer = try? await isSo(), answer { return true }
        try? await clock.sleep(for: .milliseconds(50))
    }
    return false
}

/// Waits until the poller's metrics show exactly this many requeued jobs. The poller counts after the broker has confirmed, so a worker may
/// be quicker.
/// - Returns: false if the limit has passed.
/// - Parameters:
///   - kind: the kind of the jobs.
///   - http: the URL of the poller's HTTP endpoints.
func hasRequeued(_ count: Int, of kind: String, at http: String, within limit: Duration = .seconds(60)) async -> Bool {
    await eventually(within: limit) {
        try await Web.get("\(http)/metrics").text.contains("bos_requeued_total{kind=\"\(kind)\"} \(count)\n")
    }
}
