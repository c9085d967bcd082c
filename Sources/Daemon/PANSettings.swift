package import Secrets

/// PAN applications: how messages are understood, and the merchant's constants, which a job may override. Section `pan`.
package struct PANSettings: Sendable {
    /// A message that contains one of these means "not decided yet", and so does one of which nothing is known, or with phrases of two
    /// lists; compared without case. Assumed, as are the next two.
    package var pendingPatterns = ["application is under process", "application is in process"]
    /// A message that contains one of these means "completed".
    package var completedPatterns = [
        "has been allotted", "pan allotted", "has been dispatched", "has been despatched", "has been delivered", "application completed",
    ]
    /// A message that contains one of these means "rejected".
    package var rejectedPatterns = ["rejected"]
    /// Response codes with `status` false that end an application. None is known.
    package var failedCodes: [Int] = []
    package var nepKey: Secret?
    package var domain: String?
    package var partnerID: String?
    package var nepID: String?

    package init() {}
}
