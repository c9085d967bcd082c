import AMQP
import Daemon
import ExactJSON

/// The broker's management API (`amqp.managementURL`), which shows what AMQP does not: bindings, policies, alarms, unacked messages, rates.
///
/// It is only read. Source: the API's own page, `/api/index.html` of RabbitMQ.
struct ManagementAPI {
    private let web: WebClient
    private let base: String
    private let broker: AMQPURL

    /// - Returns: `nil` unless `amqp.managementURL` is set.
    init?(_ settings: Settings, broker: AMQPURL, over web: WebClient) {
        guard let url = settings.managementURL else { return nil }
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.web = web
        self.broker = broker
    }

    /// A queue as the API shows it.
    struct Queue {
        let json: JSONValue

        var ready: Int? { json["messages_ready"]?.integer }
        var unacked: Int? { json["messages_unacknowledged"]?.integer }
        var consumers: Int? { json["consumers"]?.integer }
        /// Messages a second that are published to it, and that its consumers have acked, over the last seconds.
        var publishRate: Double? { rate("publish") }
        var ackRate: Double? { rate("ack") }
        /// The names of the policies that apply to it.
        var policies: [String] { ["policy", "operator_policy"].compactMap { json[$0]?.text }.filter { !$0.isEmpty } }
        /// What the policies set, by name.
        var policySettings: [(name: String, value: String)] { json["effective_policy_definition"]?.texts ?? [] }

        private func rate(_ name: String) -> Double? {
            json["message_stats"]?["\(name)_details"]?["rate"]?.text.flatMap { Double($0) }
        }
    }

    func queue(_ name: String) async throws(WebFailure) -> Queue {
        Queue(json: try await get("queues/\(broker.virtualHost.pathSegment)/\(name.pathSegment)"))
    }

    /// The routing keys with which a queue is bound to an exchange.
    func bindings(of queue: String, to exchange: String) async throws(WebFailure) -> [String] {
        let host = broker.virtualHost.pathSegment
        let path = "bindings/\(host)/e/\(exchange.pathSegment)/q/\(queue.pathSegment)"
        guard case .array(let bindings) = try await get(path) else { return [] }
        return bindings.compactMap { $0["routing_key"]?.text }
    }

    /// The nodes of the cluster with an alarm, and which alarm.
    func alarms() async throws(WebFailure) -> [String] {
        guard case .array(let nodes) = try await get("nodes") else { return [] }
        return nodes.flatMap { node -> [String] in
            let name = node["name"]?.text ?? "?"
            let alarms = [("mem_alarm", "memory"), ("disk_free_alarm", "disk")].filter { node[$0.0] == .bool(true) }.map {
                "\($0.1) on \(name)"
            }
            return node["running"] == .bool(false) ? alarms + ["\(name) does not run"] : alarms
        }
    }

    /// The feature flags that are not enabled.
    func disabledFeatureFlags() async throws(WebFailure) -> [String] {
        guard case .array(let flags) = try await get("feature-flags") else { return [] }
        return flags.filter { $0["state"]?.text == "disabled" }.compactMap { $0["name"]?.text }
    }

    private func get(_ path: String) async throws(WebFailure) -> JSONValue {
        let answer = try await web.get("\(base)/api/\(path)", login: (broker.user, broker.password))
        switch answer.status {
        case 200: break
        case 401:
            throw WebFailure(description: "the management API refuses the login of user \(broker.user): give the user the tag monitoring")
        case 404: throw WebFailure(description: "the management API does not know \(path)")
        default: throw WebFailure(description: "the management API answers with HTTP \(answer.status)")
        }
        guard let json = answer.json else { throw WebFailure(description: "the management API does not answer in JSON") }
        return json
    }
}

extension JSONValue {
    /// The number as an integer; `nil` for anything else.
    var integer: Int? { if case .number(let text) = self { Int(text) } else { nil } }

    /// The members of an object whose values are texts, numbers or booleans.
    fileprivate var texts: [(name: String, value: String)] {
        guard case .object(let members) = self else { return [] }
        return members.compactMap { member in
            if case .bool(let value) = member.value { return (member.name, "\(value)") }
            return member.value.text.map { (member.name, $0) }
        }
    }
}
