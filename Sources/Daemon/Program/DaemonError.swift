package import Ledger

/// Why a daemon cannot start or cannot go on. Each description says what to do.
package enum DaemonError: Error, CustomStringConvertible {
    /// The ledger cannot be opened. The first value is its URL.
    case ledger(String, LedgerError)
    /// Another worker holds the lock. `queue` is the lock's name.
    case anotherWorker(queue: String)
    /// The marker in the broker's virtual host names another ledger. `text` is the broker's error text, with both identities.
    case anotherLedger(queue: String, text: String)

    package var description: String {
        switch self {
        case .ledger(let url, let error): "ledger.url \(url): \(error)"
        case .anotherWorker(let queue):
            "another worker is consuming from this broker's virtual host: it holds the queue \(queue). "
                + "A SQLite ledger serves exactly one worker. "
                + "Stop the other worker, or give each worker its own virtual host and ledger"
        case .anotherLedger(let queue, let text):
            "the jobs in this broker's virtual host are recorded in another ledger: the queue \(queue) names it (\(text)). "
                + "With this ledger a recharge that is under way could be sent a second time. "
                + "Set ledger.url to the other ledger, or give this worker a virtual host of its own. "
                + "If the other ledger is lost, see /usr/share/doc/bos-worker/operating.md#a-lost-ledger"
        }
    }

    /// An operator has to act on every case. Exit code 78 says so.
    package var exitCode: ProcessExit { .configuration }
}
