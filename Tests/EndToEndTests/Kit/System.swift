import AMQP
import BrokerKit
import ExactJSON
import Foundation
import JobModel
import Ledger
import LedgerSQLite
import Logging
import Testing

/// One worker with its broker, its BOS and its upstream, in a folder that goes with the test.
struct System: Sendable {
    /// In every job, and never to be seen in a log.
    static let subscriber = "DL12CB4685"

    let broker: TestBroker
    let names: Names
    let folder: URL
    /// `nil` where a test has a BOS of its own.
    let simulator: ChildProcess?
    let bos: String
    let upstream: Upstream
    /// Where the worker's HTTP endpoints are; the same for each worker started.
    let http: String
    /// The environment of each program under test.
    let settings: [String: String]

    /// Runs `body` in a new system; nothing of it is left behind. The worker is the test's to start.
    /// - Parameters:
    ///   - settings: the worker's, over those that every test needs.
    ///   - simulator: options of the stand-in for BOS.
    static func run(
        _ settings: [String: String] = [:], simulator options: [String] = [], broker: TestBroker? = nil,
        _ body: (System) async throws -> Void
    ) async throws {
        let (names, folder) = try newFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (simulator, port) = try await startSimulator(in: folder, options)
        defer { simulator.send(SIGKILL) }
        try await run(settings, at: "http://127.0.0.1:\(port)", simulator, names, folder, broker: broker, body: body)
    }

    /// The same with a BOS of the test's own.
    /// - Parameter keepsUnrouted: the exchange of replies has the alternate exchange that the contract names.
    static func run(
        _ settings: [String: String] = [:], bos: RawBOS, keepsUnrouted: Bool = true, _ body: (System) async throws -> Void
    ) async throws {
        let (names, folder) = try newFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try await run(settings, at: bos.url, nil, names, folder, keepsUnrouted: keepsUnrouted, broker: nil, body: body)
    }

    private static func newFolder() throws -> (Names, URL) {
        let names = Names(prefix: TestBroker.name("e2e"))
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bos-\(names.prefix)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return (names, folder)
    }

    private static func run(
        _ settings: [String: String], at bos: String, _ simulator: ChildProcess?, _ names: Names, _ folder: URL, keepsUnrouted: Bool = true,
        broker: TestBroker?, body: (System) async throws -> Void
    ) async throws {
        let broker = if let broker { broker } else { try await TestBroker.shared }
        let upstream = try Upstream(url: broker.url, names: names, keepsUnrouted: keepsUnrouted)
        let listen = "127.0.0.1:\(try Self.freePort())"
        let system = System(
            broker: broker, names: names, folder: folder, simulator: simulator, bos: bos, upstream: upstream,
            http: "http://\(listen)",
            settings: [
                "BOS_AMQP_URLS": broker.url, "BOS_AMQP_HEARTBEAT": "10s", "BOS_API_BASE_URL": "\(bos)/api/BOS",
                // Long enough for a machine that is busy with other things, short enough to see a doubt settled.
                "BOS_API_REGISTER_ID": "1234", "BOS_API_REQUEST_TIMEOUT": "5s", "BOS_RETRY_SETTLE_WINDOW": "6s", "BOS_JOBS_TIMEOUT": "10m",
                "BOS_RETRY_ENQUIRY_INITIAL_BACKOFF": "100ms", "BOS_RETRY_ENQUIRY_MAXIMUM_BACKOFF": "500ms",
                "BOS_LEDGER_URL": "sqlite:\(folder.path)/ledger.sqlite", "BOS_HTTP_LISTEN": listen,
                // The stand-in knows every recharge that it has executed.
                "BOS_RETRY_SETTLE_NOT_FOUND": "believe", "BOS_RETRY_SETTLE_REFUSAL_WINDOW": "1s",
            ].merging(names.environment) { $1 }.merging(settings) { $1 })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await upstream.run() }
            let result: Result<Void, any Error>
            do {
                try await upstream.whenConnected()
                result = .success(try await body(system))
            } catch {
                result = .failure(error)
            }
            await upstream.close()
            try result.get()
        }
    }

    // MARK: The stand-in for BOS

    /// Starts a simulator, with empty books, and returns once it listens.
    /// - Parameter port: 0 lets the system choose.
    private static func startSimulator(
        in folder: URL, port: String = "0", _ options: [String] = []
    ) async throws -> (ChildProcess, port: String) {
        let portFile = folder.appendingPathComponent("bos.port")
        try? FileManager.default.removeItem(at: portFile)
        let simulator = try ChildProcess(
            "bos-simulator", ["--port", port, "--port-file", portFile.path] + options, log: folder.appendingPathComponent("bos.log"))
        let isListening = await eventually { FileManager.default.fileExists(atPath: portFile.path) }
        if !isListening { simulator.send(SIGKILL) }
        try #require(isListening, "the simulator does not start: \(simulator.output)")
        return (simulator, try String(contentsOf: portFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Starts another simulator where the first one listened, which must have ended. The caller ends it.
    func startSimulatorAgain() async throws -> ChildProcess {
        let port = URL(string: bos)?.port ?? 0
        return try await Self.startSimulator(in: folder, port: "\(port)").0
    }

    // MARK: The worker

    /// Starts a worker. All of them write to one log.
    func startWorker(_ more: [String: String] = [:], arguments: [String] = [], log: String = "worker.log") throws -> ChildProcess {
        try ChildProcess(
            "bos-worker", arguments, environment: settings.merging(more) { $1 }, log: folder.appendingPathComponent(log))
    }

    /// Starts a worker and returns once it says that it is ready.
    func startReadyWorker(_ more: [String: String] = [:]) async throws -> ChildProcess {
        let worker = try startWorker(more)
        try #require(await isReady(), "the worker does not become ready: \(worker.output)")
        return worker
    }

    /// Starts a worker beside another one, with a ledger of its own.
    ///
    /// It takes a lock for that of a living worker after three of its heartbeats, so it has short ones; that it may lose its connection over them does not matter.
    func startSecondWorker(_ ledger: String, _ more: [String: String] = [:]) throws -> ChildProcess {
        let own = ["BOS_HTTP_LISTEN": "127.0.0.1:0", "BOS_LEDGER_URL": "sqlite:\(ledger)", "BOS_AMQP_HEARTBEAT": "1s"]
        return try startWorker(own.merging(more) { $1 }, log: "second.log")
    }

    /// Starts a poller and tells where its HTTP endpoints are.
    func startPoller(_ more: [String: String] = [:]) throws -> (ChildProcess, http: String) {
        var listen = ""
        // The worker's own may be free just now.
        repeat { listen = "127.0.0.1:\(try Self.freePort())" } while http.hasSuffix(listen)
        let environment = settings.merging(more) { $1 }.merging(["BOS_HTTP_LISTEN": listen]) { $1 }
        let poller = try ChildProcess("bos-poller", [], environment: environment, log: folder.appendingPathComponent("poller.log"))
        return (poller, "http://\(listen)")
    }

    func isReady() async -> Bool { await eventually { try await Web.get("\(http)/readyz").status == 200 } }

    /// Asks the worker to stop, as systemd does, and returns its exit code.
    func stop(_ worker: ChildProcess) async -> Int32 {
        worker.send(SIGTERM)
        return await worker.exitCode()
    }

    /// A port that was free a moment ago.
    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(isBound, "no free port")
        return UInt16(bigEndian: address.sin_port)
    }

    // MARK: What became of it all

    /// How often BOS executed each reference that it executed at all.
    func executions() async throws -> [String: Int] {
        guard case .object(let members)? = try await Web.get("\(bos)/simulator/books?references=1").json else { return [:] }
        let counts = members.map { ($0.name, $0.value["executed"]?.text.flatMap { Int($0) } ?? -1) }
        return Dictionary(uniqueKeysWithValues: counts.filter { $0.1 != 0 })
    }

    /// How many recharges came to BOS again after they had been executed: money sent a second time, had BOS not refused it.
    func repeats() async throws -> Int? {
        try await Web.get("\(bos)/simulator/books").json?["repeats"]?.text.flatMap { Int($0) }
    }

    /// How often BOS was called at an endpoint, as BOS counts it.
    func callsReceived(_ endpoint: String) async throws -> Int? {
        try await Web.get("\(bos)/simulator/books").json?["calls"]?[endpoint]?.text.flatMap { Int($0) }
    }

    /// How often the worker called BOS at an endpoint, whatever came of it, as the worker counts it. Its probes are enquiries, too.
    /// - Parameter result: only those without that result.
    func callsMade(_ endpoint: String, without result: String? = nil) async throws -> Int {
        try await Web.get("\(http)/metrics").text
            .matches(of: /bos_api_requests_total\{endpoint="(\w+)",result="([a-z_]+)"\} (\d+)\n/)
            .filter { $0.1 == endpoint && result != String($0.2) }.compactMap { Int($0.3) }.reduce(0, +)
    }

    func setFaults(_ plan: String) async throws {
        let answer = try await Web.put("\(bos)/simulator/faults", plan)
        try #require(answer.status == 200, "the fault plan was not taken: \(answer.text)")
    }

    /// The ledger's counts, read beside the worker or after it.
    func ledgerSummary() async throws -> LedgerSummary { try await ledger().closing { try await $0.summary() } }

    /// The PAN applications that are followed, read as the counts are.
    func pendingApplications() async throws -> [JobRecord] {
        try await ledger().closing { try await $0.jobs(.panStatus, in: .pending, limit: .max) }
    }

    private func ledger() async throws -> SQLiteLedger { try await SQLiteLedger.openReadOnly(path: "\(folder.path)/ledger.sqlite") }

    /// Waits until nothing waits in the queue any more, and stops the worker. A message that was answered already may have come back after
    /// a crash; it is still to be let go of.
    func finish(_ worker: ChildProcess) async throws {
        // One that has only just been started would not know yet what SIGTERM asks of it.
        #expect(await isReady())
        #expect(await eventually { try await upstream.depth(of: names.recharge) == 0 })
        // Nor has it, right after its start, published again what one before it was killed over: stopped earlier it would still owe that.
        #expect(await eventually { try await ledgerSummary().unpublishedReplies == 0 })
        #expect(await stop(worker) == 0)
    }

    /// What must be true after every storm: each reference executed at most once and answered with one final reply, the ledger agreeing.
    func expectAllSucceeded(_ references: [String]) async throws {
        let executions = try await executions()
        let replies = upstream.replies
        for reference in references {
            let finals = replies[reference, default: []].filter(\.isFinal)
            #expect(executions[reference] == 1, "\(reference) was executed \(executions[reference] ?? 0) times")
            #expect(finals.first?.outcome == "succeeded", "\(reference): \(finals.map(\.outcome))")
            #expect(Set(finals.map(\.messageID)).count == 1, "\(reference) has \(finals.count) final replies of different ids")
            #expect(Set(finals.map(\.body)).count == 1, "\(reference) has final replies that differ")
        }
        #expect(executions.count == references.count)
        #expect(try await repeats() == 0)
        #expect(try await upstream.depth(of: names.recharge) == 0)
        #expect(try await upstream.depth(of: names.dead) == 0)
        let summary = try await ledgerSummary()
        #expect(summary.stored == [LedgerSummary.Key(.recharge, in: .succeeded): references.count])
        #expect(summary.unpublishedReplies == 0)
    }

    static func references(_ count: Int) -> [String] { (1...count).map { "job-\($0)" } }
}
