import Synchronization

/// A merchant whose credentials BOS takes, for questions that only want to know whether BOS talks to the worker.
package final class KnownMerchant: Sendable {
    private let configured: String?
    private let answered = Mutex<String?>(nil)

    /// - Parameter configured: `api.registerID`.
    package init(configured: String?) { self.configured = configured }

    /// The configured one, else the last that BOS has answered; `nil` while there is none.
    var registerID: String? { configured ?? answered.withLock { $0 } }

    /// BOS has answered a call of this merchant.
    func note(_ registerID: String) {
        guard configured == nil else { return }
        answered.withLock { $0 = registerID }
    }
}
