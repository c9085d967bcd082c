import BOSClient
import Metrics

/// Counts and times calls to BOS. Source of the names: operating.md#metrics.
package struct BOSMetrics: Sendable {
    /// The label `endpoint`.
    package enum Endpoint: String, Sendable, CaseIterable {
        case recharge = "DoRecharge"
        case enquiry = "RechargesStatus"
        case panStatus = "Status"
    }

    /// The label `result`.
    package enum Result: String, Sendable, CaseIterable {
        case answered
        case notSent = "not_sent"
        case throttled
        case postponed
        case credentialsRefused = "credentials_refused"
        case unknown
    }

    private let requests: [Endpoint: [Result: Counter]]
    private let durations: [Endpoint: Timer]

    init() {
        requests = Dictionary(
            uniqueKeysWithValues: Endpoint.allCases.map { endpoint in
                let counters = Result.allCases.map { result in
                    let labels = [("endpoint", endpoint.rawValue), ("result", result.rawValue)]
                    return (result, Counter(label: "bos_api_requests_total", dimensions: labels))
                }
                return (endpoint, Dictionary(uniqueKeysWithValues: counters))
            })
        durations = Dictionary(
            uniqueKeysWithValues: Endpoint.allCases.map {
                ($0, Timer(label: "bos_api_request_duration_seconds", dimensions: [("endpoint", $0.rawValue)]))
            })
    }

    func measure<Answer>(_ endpoint: Endpoint, call: () async -> Attempt<Answer>) async -> Attempt<Answer> {
        let start = ContinuousClock.now
        let attempt = await call()
        durations[endpoint]?.record(duration: ContinuousClock.now - start)
        requests[endpoint]?[Self.result(attempt)]?.increment()
        return attempt
    }

    private static func result<Answer>(_ attempt: Attempt<Answer>) -> Result {
        switch attempt {
        case .answered: .answered
        case .notSent: .notSent
        case .throttled: .throttled
        case .postponed: .postponed
        case .credentialsRefused: .credentialsRefused
        case .unknown: .unknown
        }
    }
}
