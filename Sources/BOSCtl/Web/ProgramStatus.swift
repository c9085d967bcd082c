import ArgumentParser
import Daemon
import ExactJSON
import Foundation

/// Where worker and poller serve their pages.
struct ProgramAddresses: ParsableArguments {
    @Option(help: "The worker's http.listen. Without it, the one that the configuration gives.") var worker: String?
    @Option(help: "The poller's http.listen. Without it, the one that the configuration gives.") var poller: String?

    /// The address of a program's pages, such as `http://127.0.0.1:9464`.
    func url(of program: Settings.Program, in options: ConfigurationOptions) -> String {
        let given = program == .worker ? worker : poller
        return given.map { "http://\($0)" } ?? options.pagesURL(of: program)
    }
}

extension ConfigurationOptions {
    /// The address that this configuration gives to a program. The two programs have different defaults.
    fileprivate func pagesURL(of program: Settings.Program) -> String {
        (try? Settings.load(for: program, from: sources).settings.pagesURL) ?? Settings(for: program).pagesURL
    }
}

/// What worker or poller says of itself (`/api/status`).
struct ProgramStatus {
    let json: JSONValue

    var version: String? { json["version"]?.text }
    var isReady: Bool { json["ready"] == .bool(true) }
    /// Why it is not ready: the name of the check and a sentence.
    var reasons: [String] {
        guard case .array(let reasons)? = json["reasons"] else { return [] }
        return reasons.compactMap { reason in reason["detail"]?.text.map { "\(reason["check"]?.text ?? "?"): \($0)" } }
    }

    /// - Throws: ``WebFailure`` if no program of that name answers there.
    static func read(_ program: Settings.Program, at url: String, over web: WebClient) async throws(WebFailure) -> ProgramStatus {
        let answer = try await web.get("\(url)/api/status")
        guard answer.status == 200, let json = answer.json else {
            throw WebFailure(description: "\(url) answers with HTTP \(answer.status)")
        }
        guard json["program"]?.text == program.rawValue else {
            throw WebFailure(description: "\(url) belongs to \(json["program"]?.text ?? "another program")")
        }
        return ProgramStatus(json: json)
    }
}
