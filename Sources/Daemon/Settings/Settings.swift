import AMQP
import BOSClient
import JobEngine
import JobModel
package import Observability
import Secrets

/// Everything that can be configured. A default stands on the type that it configures; which key sets which field is in `SettingKey.all`.
///
/// The stored parts hold what the keys write. A component gets the complete configuration, in which what follows from other keys is filled
/// in: `brokerConfiguration()`, `bosConfiguration` and those beside them.
package struct Settings: Sendable {
    /// The brokers, tried in turn. Texts, because only their reading by `AMQPURL` tells what is wrong with one. Secret because they hold the
    /// password.
    var brokerURLs = [Secret("amqp://guest:guest@127.0.0.1:5672/%2f")]
    var broker = AMQPConfiguration(urls: [])
    package var topology = Topology()

    var bos = BOSConfiguration()
    /// Whether `http://` to another machine is allowed: it carries the token and subscriber numbers in the clear.
    var allowsPlainHTTP = false
    /// Calls of all kinds per second at the most; `nil`: as many as there are.
    var ratePerSecond: Int?
    /// These three make `BOSConfiguration.credentials`. What another mode needs may be given, and is not used.
    var authMode = AuthMode.none
    var tokenFile: String?
    /// A text that has no default is empty while its key is not given.
    var authorise = BOSConfiguration.Authorise(url: "", clientID: "", clientSecret: Secret(""))

    var engine = EngineConfiguration()
    /// These two make `EngineConfiguration.purchaseGuard`. Without a window there is none.
    var duplicateWindow: Duration?
    var duplicateAction = RepeatedPurchaseAction.refuse
    /// Both lanes, but for the concurrency of questions. The concurrency is also the prefetch of the lane's queue.
    var lane = Lane.Configuration(concurrency: 64)
    var statusConcurrency = 32
    var poller = Poller.Configuration()

    /// The ledger's SQLite file, on a local disk. Exactly one worker may use it. Key `ledger.url`.
    package var ledgerPath = "./ledger.sqlite"
    package var http = HTTPEndpoints.Configuration()
    package var log = LogOutput.Configuration()
    /// How long jobs in flight may take to finish after `SIGTERM`. systemd's `TimeoutStopSec=` must be longer.
    var drainTimeout = Duration.seconds(25)

    /// Whether the program calls BOS, and needs the secrets for it.
    package let callsBOS: Bool

    /// The defaults of one program.
    /// - Parameters:
    ///   - program: `nil` for a person's tool.
    ///   - stateDirectory: `STATE_DIRECTORY` as systemd sets it (`StateDirectory=`): where a service keeps its files.
    package init(for program: Program? = .worker, stateDirectory: String? = nil) {
        callsBOS = program == .worker
        broker.connectionName = program?.rawValue ?? "bosctl"
        broker.version = Version.current
        // What is larger is no job. A person may want to see it among the dead letters, so some of it is kept.
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

    /// The cases of `BOSConfiguration.Credentials`, as `auth.mode` names them.
    enum AuthMode: String, CaseIterable, Sendable {
        case none
        case file
        case authorise
    }
}
