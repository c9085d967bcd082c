import BOSClient
import Daemon
import Foundation
import JobEngine
import JobModel
import Logging

/// What `bosctl doctor` finds out about BOS. Nothing that it sends can be executed: an enquiry about a recharge that does not exist, as the worker's
/// own probe makes it, and a request for the headers of the API's address.
struct BOSExamination {
    let settings: Settings
    let web: WebClient

    func diagnose() async -> [Diagnosis] {
        let configuration = settings.bosConfiguration
        let client: BOSClient
        do {
            client = try BOSClient(
                configuration: configuration, logger: Logger(label: "bosctl", factory: { _ in SwiftLogNoOpLogHandler() }))
        } catch {
            return [.fault("BOS", finding: "\(error)", mend: "correct the configuration")]
        }
        let answer = await enquire(over: client)
        let token = Self.token(client.credentialState, usesToken: settings.usesToken)
        await client.shutdown()
        return [answer, token] + (await clock(configuration.baseURL)) + (await certificate(configuration.baseURL))
    }

    private func enquire(over client: BOSClient) async -> Diagnosis {
        let configuration = settings.engineConfiguration
        let options = CallOptions(traceparent: nil, timeout: configuration.requestTimeout)
        let report = await BOSClientGateway(client).enquire(
            PauseProbe.reference, registerID: configuration.rules.registerID ?? "", options: options)
        switch report.event {
        case .found, .ownCredentialsRefused: return .ok("BOS", finding: "answers an enquiry (\(report.note))")
        case .deferred: return .fault("BOS", finding: "could not be asked: \(report.note)", mend: "see the line about the token")
        case .unanswered(let reason, _):
            guard reason == .credentialsRefused else {
                return .fault("BOS", finding: report.note, mend: "check api.baseURL and the network; if they are right, ask BOS")
            }
            return .fault("BOS", finding: "refuses our credentials (\(report.note))", mend: "check auth.*; if it is right, ask BOS")
        }
    }

    private static func token(_ state: CredentialState, usesToken: Bool) -> Diagnosis {
        guard usesToken else { return .ok("token", finding: "auth.mode is none: calls carry no token") }
        if let problem = state.problem { return .fault("token", finding: problem, mend: "check auth.*") }
        guard let expiry = state.expiresAt else {
            return .ok("token", finding: "there is one; its file does not say until when it is valid")
        }
        let left = Duration.seconds(expiry - Date().timeIntervalSince1970)
        return .ok("token", finding: "a new one is valid for \(TimeText.span(left))")
    }

    // MARK: Clock

    private func clock(_ url: String) async -> [Diagnosis] {
        let before = Date().timeIntervalSince1970
        let answer: WebAnswer
        do throws(WebFailure) { answer = try await web.head(url) } catch { return [] }
        let after = Date().timeIntervalSince1970
        guard let date = answer.date.flatMap(HTTPDate.seconds) else { return [.ok("clock", finding: "BOS's answers carry no date")] }
        return [Self.clock(ahead: (before + after) / 2 - Double(date), uncertainty: (after - before) / 2 + 1)]
    }

    /// - Parameters:
    ///   - seconds: how much this machine's clock is ahead of BOS's.
    ///   - uncertainty: half of the answer's time, and a second, because the header has no fractions.
    static func clock(ahead seconds: Double, uncertainty: Double) -> Diagnosis {
        let apart = max(0, abs(seconds - 0.5) - uncertainty)
        let finding = "this machine's clock is \(Decimals.text(abs(seconds), digits: 0)) s \(seconds < 0 ? "behind" : "ahead of") BOS's"
        switch apart {
        case ..<5:
            return .ok("clock", finding: "this machine's clock agrees with BOS's, to \(Decimals.text(max(1, uncertainty), digits: 0)) s")
        case ..<60: return .warning("clock", finding: finding, mend: "synchronise it (timedatectl)")
        default:
            return .fault("clock", finding: finding, mend: "synchronise it (timedatectl): expires_at and the token's life depend on it")
        }
    }

    // MARK: TLS

    private func certificate(_ url: String) async -> [Diagnosis] {
        guard let parts = URLComponents(string: url), parts.scheme == "https", let host = parts.host else { return [] }
        return [
            await CertificateExpiry(name: "BOS TLS", host: host, port: parts.port ?? 443).diagnose(at: Int(Date().timeIntervalSince1970))
        ]
    }
}

/// The date of an HTTP header. Source: RFC 9110, section 5.6.7; only the form that servers must send.
enum HTTPDate {
    /// Seconds since 1970; `nil` if the text is not such a date.
    static func seconds(_ text: String) -> Int64? {
        guard let match = text.wholeMatch(of: /\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT/) else { return nil }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard let month = months.firstIndex(of: String(match.2)) else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(rfc3339: "\(match.3)-\(number)-\(match.1)T\(match.4)Z").map { $0.milliseconds / 1_000 }
    }
}
