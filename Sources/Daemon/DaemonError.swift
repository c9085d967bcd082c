package import Ledger

/// Why a daemon cannot start or go on; each with what to do.
package enum DaemonError: Error, CustomStringConvertible {
    case ledger(String, LedgerError)
    case postgreSQLNotBuilt
    case anotherWorker(queue: String)
    case setup(String)

    package var description: String {
        switch self {
        case .ledger(let url, let error): "ledger.url \(url): \(error)"
        case .postgreSQLNotBuilt: "ledger.url: this version keeps its ledger in SQLite only; write sqlite:PATH"
        case .anotherWorker(let queue):
            "another worker is consuming from this broker's virtual host (it holds the queue \(queue)): a SQLite ledger serves exactly one worker; "
                + "stop the other one, or give each its own virtual host and ledger"
        case .setup(let detail): detail
        }
    }

    /// Each needs an operator's hand, which is what exit code 78 says.
    package var exitCode: ExitCode { .configuration }
}
