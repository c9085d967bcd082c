package import Ledger

/// Why a daemon cannot start or go on; each with what to do.
package enum DaemonError: Error, CustomStringConvertible {
    case ledger(String, LedgerError)
    case anotherWorker(queue: String)
    /// The broker's virtual host is marked as another ledger's; `text` is the broker's, with both identities.
    case anotherLedger(queue: String, text: String)
    case setup(String)

    package var description: String {
        switch self {
        case .ledger(let url, let error): "ledger.url \(url): \(error)"
        case .anotherWorker(let queue):
            "another worker is consuming from this broker's virtual host (it holds the queue \(queue)): a SQLite ledger serves exactly one worker; "
                + "stop the other one, or give each its own virtual host and ledger"
        case .anotherLedger(let queue, let text):
            "the jobs in this broker's virtual host are recorded in another ledger (the queue \(queue) remembers it: \(text)): with this "
                + "ledger a recharge that is under way could be sent a second time; set ledger.url to the other one, or give this one a "
                + "virtual host of its own; if the other one is lost, see /usr/share/doc/bos-worker/operating.md#a-lost-ledger"
        case .setup(let detail): detail
        }
    }

    /// Each needs an operator's hand, which is what exit code 78 says.
    package var exitCode: ExitCode { .configuration }
}
