package import AMQP
package import BOSClient
package import JobEngine
import JobModel
import Observability
import Secrets

/// The configuration of each component: its own part of the settings, completed with values that follow from other parts.
extension Settings {
    /// How the programs reach the broker.
    /// - Throws: ``AMQPURLError`` for a URL that passed the check of the settings and that `AMQPURL` refuses.
    package func brokerConfiguration() throws(AMQPURLError) -> AMQPConfiguration {
        var configuration = broker
        for url in brokerURLs { configuration.urls.append(try AMQPURL(url.revealed)) }
        return configuration
    }

    /// The address of the program's pages, for requests from this machine.
    package var pagesURL: String {
        let host = ["0.0.0.0", "::"].contains(http.host) ? "127.0.0.1" : http.host
        return host.contains(":") ? "http://[\(host)]:\(http.port)" : "http://\(host):\(http.port)"
    }

    /// The certificate authorities of the broker.
    package var brokerCAFile: String { broker.tls.caFile }

    /// Whether calls to BOS carry a token.
    package var usesToken: Bool { authMode != .none }

    /// How the worker calls BOS and reads its answers.
    package var bosConfiguration: BOSConfiguration {
        var configuration = bos
        configuration.credentials = credentials
        // One connection for each job that may be in flight, and eight for probes. So no call waits for a connection.
        configuration.maximumConnections = lane.limit.maximum + statusConcurrency + 8
        return configuration
    }

    private var credentials: BOSConfiguration.Credentials {
        switch authMode {
        case .none: .none
        case .file: tokenFile.map { .file(path: $0) } ?? .none
        case .authorise: missingForAuthorise.isEmpty ? .authorise(authorise) : .none
        }
    }

    /// The keys that `auth.mode: authorise` needs and that no source gives.
    var missingForAuthorise: [String] {
        let texts = [
            ("auth.url", authorise.url), ("auth.clientID", authorise.clientID), ("auth.clientSecret", authorise.clientSecret.revealed),
        ]
        return texts.filter { $0.1.isEmpty }.map(\.0)
    }

    /// The engine's configuration.
    package var engineConfiguration: EngineConfiguration {
        var configuration = engine
        configuration.requestTimeout = bos.requestTimeout
        configuration.exchanges = topology.exchanges
        configuration.purchaseGuard = duplicateWindow.map { PurchaseGuard(window: $0, action: duplicateAction) }
        configuration.policy.destination = bosConfiguration.destination
        configuration.policy.postponed.maximum = min(engine.policy.postponed.maximum, engine.policy.send.maximum)
        return configuration
    }

    /// The configuration of one lane.
    func laneConfiguration(_ name: JobLane) -> Lane.Configuration {
        var configuration = lane
        if name == .questions { configuration.limit.maximum = statusConcurrency }
        // A healthy BOS answers sooner than in half of the request time-out. Slower answers reduce the lane's concurrency.
        configuration.limit.latencyTarget = bos.requestTimeout / 2
        return configuration
    }

    /// The poller's configuration.
    var pollerConfiguration: Poller.Configuration {
        var configuration = poller
        configuration.exchange = topology.exchanges.jobs
        configuration.longestPauses = engineConfiguration.policy.longestPauses
        return configuration
    }
}
