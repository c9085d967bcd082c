import Synchronization

/// A merchant that BOS accepts. Enquiries that only check the connection to BOS use it.
package final class KnownMerchant: Sendable {
    private let configured: String?
    private let answered = Mutex<String?>(nil)

    /// - Parameter configured: `api.registerID`.
    package init(configured: String?) { self.configured = configured }

    /// The configured merchant, or else the last one that BOS answered. `nil` if there is none yet.
    var registerID: String? { configured ?? answered.withLock { $0 } }

    /// Records that BOS answered a call of this merchant.
    func recordAnswer(to registerID: String) {
        guard configured == nil else { return }
        answered.withLock { $0 = registerID }
    }
}
