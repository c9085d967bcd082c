/// Who knows how the process is: asked by the HTTP endpoints and by systemd's watchdog.
package protocol HealthSource: Sendable {
    /// What keeps the process from making progress; empty while it makes some. Must not block and needs no other service.
    func liveness() -> [HealthProblem]

    /// What keeps the process from doing its work: broker, ledger, token. Empty when ready.
    func readiness() async -> [HealthProblem]

    /// The state of the program for `GET /api/status`, as one JSON text without secrets and subscriber numbers.
    func status() async -> [UInt8]
}

/// One reason for not being live or ready.
package struct HealthProblem: Sendable, Equatable {
    /// What was checked, for machines: `broker`, `consumer`, `ledger`, `token`.
    package let check: String
    /// What is wrong and what to do, for people; one sentence without secrets.
    package let detail: String

    package init(check: String, detail: String) {
        self.check = check
        self.detail = detail
    }
}
