import Daemon

/// What `bosctl doctor` finds out about worker and poller, from their own pages.
struct ProgramExamination {
    let web: WebClient

    func diagnose(_ program: Settings.Program, at url: String) async -> Diagnosis {
        let name = program == .worker ? "worker" : "poller"
        let status: ProgramStatus
        do throws(WebFailure) {
            status = try await ProgramStatus.read(program, at: url, over: web)
        } catch {
            return .fault(
                name, finding: "\(url) does not answer: \(error)",
                mend: "systemctl status \(program.rawValue); or give its address: --\(name) HOST:PORT")
        }
        let version = status.version ?? "of an unknown version"
        guard status.isReady else {
            return .fault(
                name, finding: "\(version) is not ready: \(status.reasons.joined(separator: "; "))",
                mend: "/usr/share/doc/bos-worker/operating.md#when-jobs-wait")
        }
        guard version == Version.current else {
            return .warning(
                name, finding: "\(version) is ready, and bosctl is \(Version.current)",
                mend: "restart \(program.rawValue), or install both from one release")
        }
        return .ok(name, finding: "\(version) is ready, as bosctl is")
    }
}
