import AMQP
import BOSClient
import JobEngine
import JobModel
package import Observability
import Secrets

/// All settings of all programs. `SettingKey.all` says which key sets which field. The default of a field stands in the type that it
/// configures.
///
/// The stored parts hold only what the keys set. `brokerConfiguration()`, `bosConfiguration` and the properties beside them add what
/// follows from other keys. Components get those complete configurations.
package struct Settings: Sendable {
    /// The brokers, tried in turn. They are texts because `AMQPURL` reads them later and reports what is wrong with one. They are secrets
    /// because they hold the password.
    var brokerURLs = [Secret("amqp://guest:guest@127.0.0.1:5672/%2f")]
    var broker = AMQPConfiguration(urls: [])
    package var topology = Topology()

    var bos = BOSConfiguration()
    /// Whether `http://` to another machine is allowed. It carries the token and subscriber numbers unencrypted.
    var allowsPlainHTTP = false
    /// The most calls of all kinds per second. `nil`: no limit.
    var ratePerSecond: Int?
    /// This field and the next two make `BOSConfiguration.credentials`. Values for another mode may be given; they are not used.
    var authMode = AuthMode.none
    var tokenFile: String?
    /// A text without a default is empty until its key is given.
    var authorise = BOSConfiguration.Authorise(url: "", clientID: "", clientSecret: Secret(""))

    var engine = EngineConfiguration()
    /// This field and the next one make `EngineConfiguration.purchaseGuard`. `nil`: no purchase guard.
    var duplicateWindow: Duration?
    var duplicateAction = RepeatedPurchaseAction.refuse
    /// The configuration of both lanes, except that questions have their own concurrency, `statusConcurrency`. A lane's concurrency is also
    /// the prefetch of its queue.
    var lane = Lane.Configuration(concurrency: 64)
    var statusConcurrency = 32
    var poller = Poller.Configuration()

    /// The ledger's SQLite file (`ledger.url`). It is on a local disk, and exactly one worker may use it.
    package var ledgerPath = "./ledger.sqlite"
    package var http = HTTPEndpoints.Configuration()
    /// The file whose sections the status page leads to.
    var runbookPath = Runbook.installed
    package var log = LogOutput.Configuration()
    /// How long jobs in flight may take to finish after `SIGTERM`. `TimeoutStopSec=` of the systemd unit must be longer.
    var drainTimeout = Duration.seconds(25)

    /// Whether the program calls BOS and so needs the secrets for it. Only the worker does.
    package let callsBOS: Bool

    /// The defaults of one program.
    /// - Parameters:
    ///   - program: the daemon, or `nil` for a tool that a person runs.
    ///   - stateDirectory: the variable `STATE_DIRECTORY`, which systemd sets for `StateDirectory=`. It holds the service's folders for
    ///     state, with colons between them.
    package init(for program: Program? = .worker, stateDirectory: String? = nil) {
        callsBOS = program == .worker
        broker.connectionName = program?.rawValue ?? "bosctl"
        broker.version = Version.current
        // A larger message cannot be a job. The connection keeps large messages while it has room, so that a person can look at them among
        // the dead letters.
        broker.ordinarySize = JobRules.maximumSize
        bos.userAgent = "bos-worker/\(Version.current)"
        if program != .worker { http.port = 9465 }
        if let directory = stateDirectory?.split(separator: ":").first {
            ledgerPath = "\(directory)/ledger.sqlite"
        }
    }

    /// The two daemons that share one configuration file.
    package enum Program: String, Sendable {
        case worker = "bos-worker"
        case poller = "bos-poller"
    }

    /// The values of `auth.mode`. They correspond to the cases of `BOSConfiguration.Credentials`.
    enum AuthMode: String, CaseIterable, Sendable {
        case none
        case file
        case authorise
    }
}
