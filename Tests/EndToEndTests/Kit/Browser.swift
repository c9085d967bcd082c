import BrokerKit
import ExactJSON
import Foundation
import Testing

/// A Chromium without a window, driven by chromedriver. Source of the requests: WebDriver (W3C), and the Chrome DevTools Protocol for pictures
/// and for the colours that a reader prefers.
struct Browser: Sendable {
    /// The colours that a reader prefers.
    enum Scheme: String, CaseIterable {
        case light
        case dark
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The path of axe-core's script, and of chromedriver; `nil` if one of them is not here. `deploy/test` brings both.
    static let tools: (axe: String, driver: String)? = {
        let driver = "/usr/bin/chromedriver"
        guard let axe = ProcessInfo.processInfo.environment["BOS_TEST_AXE"], FileManager.default.isExecutableFile(atPath: driver) else {
            return nil
        }
        return (axe, driver)
    }()

    private let session: String
    private let folder: URL
    private let axe: String

    /// Runs `body` with a new browser, and ends it afterwards.
    /// - Parameter folder: where the browser may write.
    static func run(in folder: URL, body: (Browser) async throws -> Void) async throws {
        let tools = try #require(tools)
        let log = folder.appendingPathComponent("chromedriver.log")
        let driver = try ChildProcess(
            tools.driver, arguments: ["--port=0"], environment: ["HOME": folder.path, "TMPDIR": folder.path, "PATH": "/usr/bin:/bin"],
            log: log)
        defer { driver.send(SIGTERM) }
        let started = /started successfully on port (\d+)/
        try #require(await eventually { driver.output.contains(started) }, "chromedriver does not start: \(driver.output)")
        let port = try #require(driver.output.firstMatch(of: started)?.1)
        let base = "http://127.0.0.1:\(port)/session"
        // Chromium has no sandbox for root, and this one loads the pages of a program under test only.
        let options = #"{"binary":"/usr/bin/chromium","args":["--headless=new","--no-sandbox","--disable-gpu","--disable-dev-shm-usage"]}"#
        let capabilities = #"{"capabilities":{"alwaysMatch":{"goog:chromeOptions":\#(options)}}}"#
        let answer = try await send("POST", to: base, body: Array(capabilities.utf8), in: folder)
        let id = try #require(answer["sessionId"]?.text)
        let browser = Browser(
            session: "\(base)/\(id)", folder: folder, axe: try String(contentsOfFile: tools.axe, encoding: .utf8))
        let result: Result<Void, any Error>
        do { result = .success(try await body(browser)) } catch { result = .failure(error) }
        _ = try? await send("DELETE", to: browser.session, in: folder)
        try result.get()
    }

    func open(_ url: String) async throws {
        try await post("url", members: [.init("url", .string(url))])
    }

    /// Shows pages in this width of CSS pixels, to a reader who prefers these colours.
    func show(width: Int, scheme: Scheme) async throws {
        try await command(
            "Emulation.setDeviceMetricsOverride",
            parameters: [
                .init("width", .number("\(width)")), .init("height", .number("900")), .init("deviceScaleFactor", .number("1")),
                .init("mobile", .bool(width < 600)),
            ])
        let feature = JSONValue.object([.init("name", .string("prefers-color-scheme")), .init("value", .string(scheme.rawValue))])
        try await command("Emulation.setEmulatedMedia", parameters: [.init("features", .array([feature]))])
    }

    /// A picture of the whole page, as PNG.
    func picture() async throws -> Data {
        let answer = try await command("Page.captureScreenshot", parameters: [.init("captureBeyondViewport", .bool(true))])
        return try #require(answer["data"]?.text.flatMap { Data(base64Encoded: $0) })
    }

    /// Runs a script in the page and returns what it returns.
    func evaluate(_ script: String) async throws -> JSONValue {
        try await post("execute/sync", members: [.init("script", .string(script)), .init("args", .array([]))])
    }

    /// What axe-core finds in the page that is serious or critical, one line for each rule.
    func seriousFindings() async throws -> [String] {
        let script = """
            const done = arguments[arguments.length - 1];
            \(axe);
            axe.run(document, {resultTypes: ["violations"]}).then(
                found => done({checked: found.passes.length, findings: found.violations.filter(each => ["serious", "critical"].includes(each.impact)).map(
                    each => each.id + ": " + each.help + ": " + each.nodes.map(node => node.html + " " + (node.any[0] || {}).message).join(" | "))}),
                error => done({checked: 0, findings: [String(error)]}));
            """
        let answer = try await post("execute/async", members: [.init("script", .string(script)), .init("args", .array([]))])
        let checked = answer["checked"]?.text.flatMap { Int($0) } ?? 0
        try #require(checked > 5, "axe-core has checked nothing: \(answer)")
        guard case .array(let findings)? = answer["findings"] else { throw Failure(description: "axe-core has no answer") }
        return findings.compactMap(\.text)
    }

    // MARK: Requests

    @discardableResult
    private func command(_ name: String, parameters: [JSONValue.Member]) async throws -> JSONValue {
        try await post("goog/cdp/execute", members: [.init("cmd", .string(name)), .init("params", .object(parameters))])
    }

    @discardableResult
    private func post(_ path: String, members: [JSONValue.Member]) async throws -> JSONValue {
        try await Self.send("POST", to: "\(session)/\(path)", body: JSONValue.object(members).encoded, in: folder)
    }

    /// Sends a request with curl. Foundation refuses chromedriver's headers, which have no space after the colon.
    /// - Parameter folder: for the body, which may be longer than a command line.
    /// - Returns: the member `value` of the answer.
    private static func send(_ method: String, to url: String, body: [UInt8]? = nil, in folder: URL) async throws -> JSONValue {
        let file = folder.appendingPathComponent("request.json")
        try Data(body ?? []).write(to: file)
        let output = try await Tool.run(
            "/usr/bin/curl",
            arguments: [
                "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--max-time", "30", "--request", method, "--header",
                "Content-Type: application/json", "--data-binary", "@\(file.path)", url,
            ])
        guard let value = try JSONValue.parse(Array(output.utf8))["value"] else {
            throw Failure(description: "chromedriver answers \(output.prefix(500))")
        }
        return value
    }
}
