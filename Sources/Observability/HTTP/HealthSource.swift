/// Reports the health of the process. The HTTP endpoints and the heartbeat for systemd call it.
package protocol HealthSource: Sendable {
    /// Why the process makes no progress. Empty while it makes progress. The call must not block and must not depend on another service.
    func liveness() -> [HealthProblem]

    /// Why the process cannot do its work, for example a problem with broker, ledger or token. Empty when the process is ready.
    func readiness() async -> [HealthProblem]

    /// The state of the program for `GET /api/status`, as a JSON text. It holds no secret and no subscriber number.
    func status() async -> [UInt8]
}

/// One reason for not being live or ready.
package struct HealthProblem: Sendable, Equatable {
    /// What was checked, for machines, such as `broker`, `ledger` or `token`. Source of the names: operating.md#pages.
    package let check: String
    /// What is wrong and what to do, for people. One sentence without secrets.
    package let detail: String

    /// - Parameters:
    ///   - check: what was checked, one of the names of operating.md#pages.
    ///   - detail: one sentence without secrets.
    package init(check: String, detail: String) {
        self.check = check
        self.detail = detail
    }
}
