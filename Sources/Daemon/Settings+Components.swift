package import AMQP
package import BOSClient
package import JobEngine
import JobModel
import Secrets

extension Settings {
    /// How the broker is reached.
    /// - Throws: ``AMQPURLError`` for a URL that the check of the settings let pass and the broker's client does not.
    package func brokerConfiguration(name: String) throws(AMQPURLError) -> AMQPConfiguration {
        var urls: [AMQPURL] = []
        for url in amqp.urls { urls.append(try AMQPURL(url.revealed)) }
        var configuration = AMQPConfiguration(urls: urls)
        configuration.heartbeat = amqp.heartbeat
        configuration.connectTimeout = amqp.connectTimeout
        configuration.connectionName = name
        configuration.version = Version.current
        // What is larger is no job. A person may want to see it among the dead letters, so some of it is kept.
        configuration.ordinarySize = JobRules.maximumSize
        configuration.tls.caFile = amqp.tls.caFile
        configuration.tls.certificateFile = amqp.tls.certificateFile
        configuration.tls.keyFile = amqp.tls.keyFile
        return configuration
    }

    /// What the engine has to know.
    package var engineConfiguration: EngineConfiguration {
        var configuration = EngineConfiguration()
        configuration.rules.registerID = api.registerID
        configuration.rules.maximumAmount = Money(paise: jobs.maximumAmount)
        configuration.policy = retryPolicy
        configuration.deliveryTimeout = jobs.timeout
        configuration.requestTimeout = api.requestTimeout
        configuration.enquiresBy = api.enquiry.by
        configuration.purchaseGuard = jobs.duplicateWindow.map { PurchaseGuard(window: $0, action: jobs.duplicateAction) }
        configuration.exchanges.replies = amqp.exchanges.replies
        configuration.exchanges.unrouted = amqp.exchanges.unrouted
        configuration.exchanges.dead = amqp.exchanges.dead
        return configuration
    }

    private var retryPolicy: RetryPolicy {
        var policy = RetryPolicy()
        policy.attempts = retry.attempts
        policy.maximumFailures = retry.maximumFailures
        policy.maximumAge = retry.maximumAge
        policy.doubtMaximumAge = retry.doubtMaximumAge
        policy.send = RetryPolicy.Backoff(initial: retry.initialBackoff, maximum: retry.maximumBackoff)
        policy.enquiry = RetryPolicy.Backoff(initial: retry.enquiry.initialBackoff, maximum: retry.enquiry.maximumBackoff)
        policy.settle.answers = retry.settle.answers
        policy.settle.window = retry.settle.window
        policy.settle.notFound = retry.settle.notFound
        policy.settle.refusalWindow = retry.settle.refusalWindow
        policy.destination = bosConfiguration.destination
        policy.formerDestinations = api.formerly
        policy.pan.firstCheckAfter = poller.pan.firstCheckAfter
        policy.pan.maximumInterval = poller.pan.maximumInterval
        policy.pan.maximumAge = poller.pan.maximumAge
        return policy
    }

    /// - Parameter concurrency: jobs at once at the most.
    func laneConfiguration(concurrency: Int) -> Lane.Configuration {
        var configuration = Lane.Configuration(concurrency: concurrency)
        configuration.limit.minimum = jobs.minimumConcurrency
        // Half of the time a request may take is no answer that a healthy BOS gives.
        configuration.limit.latencyTarget = api.requestTimeout / 2
        configuration.refusals.share = Double(breaker.refusals.percent) / 100
        configuration.refusals.minimumCalls = breaker.refusals.minimumCalls
        configuration.refusals.interval = breaker.refusals.interval
        configuration.breaker.window = breaker.window
        configuration.breaker.minimumCalls = breaker.minimumCalls
        configuration.breaker.failureShare = Double(breaker.failurePercent) / 100
        configuration.breaker.firstInterval = breaker.probeInterval
        configuration.breaker.maximumInterval = breaker.maximumProbeInterval
        return configuration
    }

    var pollerConfiguration: Poller.Configuration {
        var configuration = Poller.Configuration()
        configuration.interval = poller.interval
        configuration.queueLimit = poller.queueLimit
        configuration.exchange = amqp.exchanges.jobs
        configuration.longestPauses = engineConfiguration.policy.longestPauses
        return configuration
    }

    /// How BOS is called, and how its answers are read.
    package var bosConfiguration: BOSConfiguration {
        var configuration = BOSConfiguration()
        configuration.baseURL = api.baseURL
        configuration.userAgent = "bos-worker/\(Version.current)"
        configuration.requestTimeout = api.requestTimeout
        configuration.connectTimeout = api.connectTimeout
        // Every job at once, and a few for probes: a call never waits for another one's connection.
        configuration.maximumConnections = jobs.rechargeConcurrency + jobs.statusConcurrency + 8
        configuration.endpoints.recharge = api.paths.recharge
        configuration.endpoints.enquiry = api.paths.enquiry
        configuration.endpoints.panStatus = api.paths.panStatus
        configuration.codes.accepted = api.acceptedCodes
        configuration.codes.pendingPatterns = api.pendingPatterns
        configuration.codes.finalRefusals = api.finalCodes
        configuration.codes.postponed = api.postponedCodes
        configuration.codes.postponedPatterns = api.postponedPatterns
        configuration.enquiry.registrationField = api.enquiry.registerIDField
        configuration.enquiry.referenceField = api.enquiry.referenceField
        configuration.enquiry.succeededWords = api.enquiry.succeededWords
        configuration.enquiry.failedWords = api.enquiry.failedWords
        configuration.enquiry.pendingWords = api.enquiry.pendingWords
        configuration.enquiry.refundedWords = api.enquiry.refundedWords
        configuration.enquiry.notRefundedWords = api.enquiry.notRefundedWords
        configuration.enquiry.failedCodes = api.enquiry.failedCodes
        configuration.enquiry.failedPatterns = api.enquiry.failedPatterns
        configuration.enquiry.notFoundPatterns = api.enquiry.notFoundPatterns
        configuration.pan.nepKey = pan.nepKey
        configuration.pan.domain = pan.domain
        configuration.pan.partnerID = pan.partnerID
        configuration.pan.nepID = pan.nepID
        configuration.pan.pendingPatterns = pan.pendingPatterns
        configuration.pan.completedPatterns = pan.completedPatterns
        configuration.pan.rejectedPatterns = pan.rejectedPatterns
        configuration.pan.failedCodes = pan.failedCodes
        configuration.credentials = credentials
        return configuration
    }

    private var credentials: BOSConfiguration.Credentials {
        switch auth.mode {
        case .none: return .none
        case .file: return auth.tokenFile.map { .file(path: $0) } ?? .none
        case .authorise:
            guard let url = auth.url, let clientID = auth.clientID, let clientSecret = auth.clientSecret else { return .none }
            var authorise = BOSConfiguration.Authorise(url: url, clientID: clientID, clientSecret: clientSecret)
            authorise.publicKeyFile = auth.publicKeyFile
            authorise.clientIDHeader = auth.headers.clientID
            authorise.clientSecretHeader = auth.headers.clientSecret
            authorise.signatureHeader = auth.headers.signature
            authorise.tokenPath = auth.tokenPath
            authorise.expiryPath = auth.expiryPath
            return .authorise(authorise)
        }
    }
}
