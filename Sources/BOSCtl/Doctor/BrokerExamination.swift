import AMQP
import Daemon
import ExactJSON
import JobEngine

/// What `bosctl doctor` finds out about the broker.
struct BrokerExamination {
    let settings: Settings
    let ledger: String?
    let console: Console
    let web: WebClient
    let now: Int

    /// Each URL is tried by itself: a connection would go on with the first one that answers.
    func diagnose() async -> [Diagnosis] {
        let configuration: AMQPConfiguration
        do throws(AMQPURLError) {
            configuration = try settings.brokerConfiguration()
        } catch {
            return [.fault("broker", finding: "amqp.urls: \(error)", mend: "correct the URL")]
        }
        var diagnoses: [Diagnosis] = []
        var isSeen = false
        for url in configuration.urls {
            do {
                let broker = try Broker(inspecting: settings, at: url, console: console)
                let isFirst = !isSeen
                diagnoses += try await broker.inspecting { await examine(broker.publishing, at: url, isFirst: isFirst) }
                isSeen = true
            } catch {
                diagnoses.append(
                    .fault("broker", finding: "\(error)", mend: "start the broker, or correct amqp.urls; jobs wait, and none is lost"))
            }
            diagnoses += await certificate(of: url)
        }
        return diagnoses
    }

    private func examine(_ connection: Connection, at url: AMQPURL, isFirst: Bool) async -> [Diagnosis] {
        guard case .connected(_, let version) = connection.status.state else { return [] }
        var diagnoses = [Diagnosis.ok("broker", finding: "RabbitMQ \(version) answers at \(url)")]
        if let reason = connection.status.blockedReason { diagnoses.append(Self.blocked(reason)) }
        guard isFirst else { return diagnoses }
        diagnoses.append(BrokerVersion(version).diagnosis(usesQuorumQueues: settings.topology.usesQuorumQueues))
        let management = ManagementAPI(settings, broker: url, over: web)
        diagnoses += await topology(connection, management: management)
        diagnoses += await consumers(connection)
        diagnoses += await rights(connection)
        if let management { diagnoses += await throughManagement(management) } else { diagnoses.append(Self.unseen) }
        return diagnoses
    }

    private static func blocked(_ reason: String) -> Diagnosis {
        .fault("alarms", finding: "the broker takes no messages: \(reason)", mend: "free memory or disk on the broker's machine")
    }

    private static let unseen = Diagnosis.ok(
        "management", finding: "amqp.managementURL is not set: bindings, policies and alarms are not looked at")

    // MARK: Over AMQP

    private func topology(_ connection: Connection, management: ManagementAPI?) async -> [Diagnosis] {
        let check = TopologyCheck(settings: settings, ledger: ledger, connection: connection, management: management)
        let report: TopologyReport
        do throws(BrokerError) { report = try await check.report() } catch {
            return [.fault("topology", finding: "it could not be compared: \(error)", mend: "try again")]
        }
        var diagnoses: [Diagnosis] = []
        for row in report.rows {
            switch row.comparison {
            case .same, .untold: continue
            case .missing:
                diagnoses.append(
                    .fault("topology", finding: "the \(row.item.shortLabel) is missing", mend: "bosctl topology apply --reason …"))
            case .different(let differences):
                let text = differences.map(\.humanDescription).joined(separator: "; ")
                diagnoses.append(
                    .fault(
                        "topology", finding: "the \(row.item.shortLabel) differs: \(text)",
                        mend: "configure it as it is, or have it declared anew: /usr/share/doc/bos-worker/operating.md#topology"))
            }
        }
        for remark in report.remarks where management != nil {
            diagnoses.append(.warning("policies", finding: remark, mend: "remove it from the policy"))
        }
        let seen = report.rows.count { $0.comparison == .same }
        return diagnoses.isEmpty ? [.ok("topology", finding: "\(seen) objects are as expected")] : diagnoses
    }

    private func consumers(_ connection: Connection) async -> [Diagnosis] {
        var diagnoses: [Diagnosis] = []
        let (queues, mend) = (settings.topology.queues, "start bos-worker; its log and /readyz say why it does not consume")
        for queue in [queues.recharge, queues.status] {
            guard let depth = try? await connection.depth(of: queue) else { continue }
            switch depth.consumers {
            case 0: diagnoses.append(.fault("consumers", finding: "no program consumes \(queue)", mend: mend))
            case 1: diagnoses.append(.ok("consumers", finding: "\(queue) has one consumer, \(depth.messages) messages are ready"))
            case let count:
                diagnoses.append(
                    .fault(
                        "consumers", finding: "\(queue) has \(count) consumers", mend: "stop all but the worker: jobs go to the others too")
                )
            }
        }
        for (queue, what) in [(queues.dead, "messages were not understood"), (queues.unrouted, "replies had no queue bound for them")] {
            guard let depth = try? await connection.depth(of: queue), depth.messages > 0 else { continue }
            diagnoses.append(
                .warning(
                    "kept messages", finding: "\(depth.messages) messages lie in \(queue): \(what)",
                    mend: "/usr/share/doc/bos-worker/operating.md#kept-messages"))
        }
        return diagnoses
    }

    /// The right to write is the only one that can be seen without a message: by removing a binding that does not exist.
    private func rights(_ connection: Connection) async -> [Diagnosis] {
        let exchanges = settings.topology.exchanges
        let all = [exchanges.jobs, exchanges.replies, exchanges.unrouted, exchanges.dead]
        var (missing, untold): ([String], [String]) = ([], [])
        for exchange in all {
            guard let other = all.first(where: { $0 != exchange }) else { continue }
            switch try? await connection.mayWrite(to: exchange, besides: other) {
            case true?: continue
            case false?: missing.append(exchange)
            case nil: untold.append(exchange)
            }
        }
        guard missing.isEmpty else {
            return [
                .fault(
                    "rights", finding: "this user may not publish to \(missing.joined(separator: ", "))",
                    mend: "grant it: /usr/share/doc/bos-worker/operating.md#rights-on-the-broker")
            ]
        }
        let told = untold.isEmpty ? "to all exchanges" : "to the exchanges that exist"
        return [.ok("rights", finding: "this user may publish \(told); the right to read shows only in consuming")]
    }

    // MARK: Over the management API

    private func throughManagement(_ management: ManagementAPI) async -> [Diagnosis] {
        do throws(WebFailure) {
            let alarms = try await management.alarms()
            let flags = try await management.disabledFeatureFlags().filter(Self.neededFlags.contains)
            let missing = flags.joined(separator: ", ")
            return [
                alarms.isEmpty ? .ok("alarms", finding: "no node has an alarm") : Self.blocked(alarms.joined(separator: ", ")),
                flags.isEmpty || !settings.topology.usesQuorumQueues
                    ? .ok("feature flags", finding: "all that quorum queues need are enabled")
                    : .fault("feature flags", finding: "\(missing) is disabled", mend: "rabbitmqctl enable_feature_flag NAME"),
            ]
        } catch {
            return [.warning("management", finding: "\(error)", mend: "correct amqp.managementURL, or leave it out")]
        }
    }

    /// Quorum queues, and their dead-lettering at least once. Source: rabbitmq.com/quorum-queues.html.
    private static let neededFlags: Set = ["quorum_queue", "stream_queue"]

    // MARK: TLS

    private func certificate(of url: AMQPURL) async -> [Diagnosis] {
        guard url.usesTLS else {
            guard !["localhost", "127.0.0.1", "::1"].contains(url.host) else { return [] }
            return [
                .warning(
                    "broker TLS", finding: "\(url) is not encrypted: subscribers' numbers cross the network as text", mend: "use amqps://")
            ]
        }
        return [await CertificateExpiry(name: "broker TLS", host: url.host, port: Int(url.port)).diagnose(at: now)]
    }
}

/// The version of a broker, and what it means for these programs.
struct BrokerVersion {
    private let text: String
    private let number: (major: Int, minor: Int)?

    init(_ text: String) {
        self.text = text
        let parts = text.split(separator: ".")
        number = parts.count >= 2 ? Int(parts[0]).flatMap { major in Int(parts[1]).map { (major, $0) } } : nil
    }

    /// Source: the release notes of RabbitMQ 3.8, 3.10 and 4.0.
    func diagnosis(usesQuorumQueues: Bool) -> Diagnosis {
        guard let number else {
            return .warning("broker version", finding: "\(text.printable) is not a version of RabbitMQ", mend: "use RabbitMQ 3.10 or newer")
        }
        if usesQuorumQueues, number < (3, 10) {
            return .fault(
                "broker version", finding: "\(text) cannot dead-letter from quorum queues at least once, so a dead letter may be lost",
                mend: "use RabbitMQ 3.10 or newer, or amqp.queueType: classic")
        }
        if number >= (4, 0) {
            return .ok(
                "broker version",
                finding: "\(text): a quorum queue without a limit of its own drops a message at its 20th delivery; our queues have 1,000")
        }
        return .ok("broker version", finding: "\(text): no limit of deliveries by default; our quorum queues have 1,000")
    }
}

/// When a server's certificate expires.
struct CertificateExpiry {
    let name: String
    let host: String
    let port: Int

    /// - Parameter now: in seconds since 1970.
    func diagnose(at now: Int) async -> Diagnosis {
        do throws(WebFailure) {
            return Self.diagnosis(name, secondsLeft: try await CertificateProbe.expiry(host: host, port: port) - now)
        } catch {
            return .fault(name, finding: "\(host):\(port): \(error)", mend: "check that TLS is served there")
        }
    }

    static func diagnosis(_ name: String, secondsLeft: Int) -> Diagnosis {
        let days = secondsLeft / 86_400
        switch secondsLeft {
        case ..<0: return .fault(name, finding: "the certificate has expired", mend: "have it renewed by who runs the server")
        case ..<(3 * 86_400): return .fault(name, finding: "the certificate expires in \(days) days", mend: "have it renewed now")
        case ..<(21 * 86_400): return .warning(name, finding: "the certificate expires in \(days) days", mend: "have it renewed")
        default: return .ok(name, finding: "the certificate is valid for \(days) more days")
        }
    }
}
