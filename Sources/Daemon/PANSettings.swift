package import Secrets

/// PAN applications: how messages are understood, and the merchant's constants, which a job may override. Section `pan`.
package struct PANSettings: Sendable {
    /// A message that contains one of these means "not decided yet"; compared without case. Assumed.
    package var pendingPatterns = ["under process"]
    /// A message that contains one of these means "rejected"; compared without case. Assumed.
    package var rejectedPatterns = ["rejected"]
    package var nepKey: Secret?
    package var domain: String?
    package var partnerID: String?
    package var nepID: String?

    package init() {}
}
