package import Observability

/// Everything that can be configured, with the defaults of configuration.md#keys.
///
/// The composition maps a section to the type that it configures. Which key sets which field is in `SettingKey.all`.
package struct Settings: Sendable {
    package var amqp = AMQPSettings()
    package var jobs = JobsSettings()
    package var api = APISettings()
    package var auth = AuthSettings()
    package var pan = PANSettings()
    package var retry = RetrySettings()
    package var breaker = BreakerSettings()
    package var ledger = LedgerSettings()
    package var poller = PollerSettings()
    package var http = HTTPEndpoints.Configuration()
    package var log = LogConfiguration()
    package var shutdown = ShutdownSettings()

    /// Whether the program calls BOS, and needs the secrets for it.
    package let callsBOS: Bool

    /// The defaults of one program.
    /// - Parameters:
    ///   - program: `nil` for a person's tool.
    ///   - stateDirectory: `STATE_DIRECTORY` as systemd sets it (`StateDirectory=`): where a service keeps its files.
    package init(for program: Program? = .worker, stateDirectory: String? = nil) {
        callsBOS = program == .worker
        http.port = program == .worker ? 9464 : 9465
        if let directory = stateDirectory?.split(separator: ":").first {
            ledger.url = .sqlite(path: "\(directory)/ledger.sqlite")
        }
    }

    /// The two daemons that share one configuration file.
    package enum Program: String, Sendable {
        case worker = "bos-worker"
        case poller = "bos-poller"
    }
}
