package import AMQP
package import BOSClient
package import JobEngine
import JobModel
import Secrets

/// The configuration of each component: its part of the settings, and what follows from other parts.
extension Settings {
    /// How the broker is reached.
    /// - Throws: ``AMQPURLError`` for a URL that the check of the settings let pass and the broker's client does not.
    package func brokerConfiguration() throws(AMQPURLError) -> AMQPConfiguration {
        var configuration = broker
        for url in brokerURLs { configuration.urls.append(try AMQPURL(url.revealed)) }
        return configuration
    }

    /// How BOS is called, and how its answers are read.
    package var bosConfiguration: BOSConfiguration {
        var configuration = bos
        configuration.credentials = credentials
        // Every job at once, and a few for probes: a call never waits for another one's connection.
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

    /// The keys that `auth.mode` `authorise` needs and that are not given.
    var missingForAuthorise: [String] {
        let texts = [
            ("auth.url", authorise.url), ("auth.clientID", authorise.clientID), ("auth.clientSecret", authorise.clientSecret.revealed),
        ]
        return texts.filter { $0.1.isEmpty }.map(\.0)
    }

    /// What the engine has to know.
    package var engineConfiguration: EngineConfiguration {
        var configuration = engine
        configuration.requestTimeout = bos.requestTimeout
        configuration.exchanges = topology.exchanges
        configuration.purchaseGuard = duplicateWindow.map { PurchaseGuard(window: $0, action: duplicateAction) }
        configuration.policy.destination = bosConfiguration.destination
        configuration.policy.postponed.maximum = min(engine.policy.postponed.maximum, engine.policy.send.maximum)
        return configuration
    }

    func laneConfiguration(_ name: JobLane) -> Lane.Configuration {
        var configuration = lane
        if name == .questions { configuration.limit.maximum = statusConcurrency }
        // Half of the time a request may take is no answer that a healthy BOS gives.
        configuration.limit.latencyTarget = bos.requestTimeout / 2
        return configuration
    }

    var pollerConfiguration: Poller.Configuration {
        var configuration = poller
        configuration.exchange = topology.exchanges.jobs
        configuration.longestPauses = engineConfiguration.policy.longestPauses
        return configuration
    }
}
