import AMQP
import BrokerKit
import ExactJSON
import Foundation
import JobModel
import Ledger
import LedgerSQLite
import Logging
import Testing

/// A worker with its broker, its BOS and its upstream, in a folder that is removed after the test.
struct System: Sendable {
    /// The subscriber's number of every job. It must never appear in a log.
    static let subscriber = "DL12CB4685"

    let broker: TestBroker
    let names: Names
    let folder: URL
    /// `nil` if the test has a BOS of its own.
    let simulator: ChildProcess?
    let bos: String
    let upstream: Upstream
    /// The URL of the worker's HTTP endpoints. It is the same for each worker of the test.
    let http: String
    /// The environment of each program under test.
    let settings: [String: String]

    /// Runs `body` in a new system and removes everything afterwards. The test starts the worker.
    /// - Parameters:
    ///   - settings: environment variables of the programs. They replace those that every test has.
    ///   - options: command line options of the stand-in for BOS.
    ///   - broker: `nil` takes the shared broker.
    static func run(
        _ settings: [String: String] = [:], simulator options: [String] = [], broker: TestBroker? = nil,
        body: (System) async throws -> Void
    ) async throws {
        let (names, folder) = try newFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (simulator, port) = try await startSimulator(in: folder, options)
        defer { simulator.send(SIGKILL) }
        let setup = Setup(names: names, folder: folder, bos: "http://127.0.0.1:\(port)", simulator: simulator, broker: broker)
        try await run(settings, with: setup, body: body)
    }

    /// Runs `body` in a new system whose BOS is the test's own.
    /// - Parameter keepsUnrouted: the exchange of replies has the alternate exchange that the contract names.
    static func run(
        _ settings: [String: String] = [:], bos: RawBOS, keepsUnrouted: Bool = true, body: (System) async throws -> Void
    ) async throws {
        let (names, folder) = try newFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let setup = Setup(names: names, folder: folder, bos: bos.url, keepsUnrouted: keepsUnrouted)
        try await run(settings, with: setup, body: body)
    }

    /// What a system is made of, before its upstream connects.
    private struct Setup {
        let names: Names
        let folder: URL
        let bos: String
        var simulator: ChildProcess?
        var keepsUnrouted = true
        var broker: TestBroker?
    }

    private static func newFolder() throws -> (Names, URL) {
        let names = Names(prefix: TestBroker.name("e2e"))
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bos-\(names.prefix)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return (names, folder)
    }

    private static func run(_ settings: [String: String], with setup: Setup, body: (System) async throws -> Void) async throws {
        let (names, folder, bos) = (setup.names, setup.folder, setup.bos)
        let broker = if let broker = setup.broker { broker } else { try await TestBroker.shared }
        let upstream = try Upstream(url: broker.url, names: names, keepsUnrouted: setup.keepsUnrouted)
        let listen = "127.0.0.1:\(try Self.freePort())"
        let system = System(
            broker: broker, names: names, folder: folder, simulator: setup.simulator, bos: bos, upstream: upstream,
            http: "http://\(listen)",
            settings: [
                "BOS_AMQP_URLS": broker.url, "BOS_AMQP_HEARTBEAT": "10s", "BOS_API_BASE_URL": "\(bos)/api/BOS",
                // Long enough for a busy machine, short enough to see the end of a doubt.
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

    /// Starts a simulator with empty books. Returns once it listens, with its port.
    /// - Parameter port: with 0 the system chooses a free one.
    private static func startSimulator(
        in folder: URL, port: String = "0", _ options: [String] = []
    ) async throws -> (ChildProcess, port: String) {
        let portFile = folder.appendingPathComponent("bos.port")
        try? FileManager.default.removeItem(at: portFile)
        let simulator = try ChildProcess(
            "bos-simulator", arguments: ["--port", port, "--port-file", portFile.path] + options,
            log: folder.appendingPathComponent("bos.log"))
        let isListening = await eventually { FileManager.default.fileExists(atPath: portFile.path) }
        if !isListening { simulator.send(SIGKILL) }
        try #require(isListening, "the simulator does not start: \(simulator.output)")
        return (simulator, try String(contentsOf: portFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Starts another simulator on the port of the first one, which must have ended. The caller ends the new one.
    func startSimulatorAgain() async throws -> ChildProcess {
        let port = URL(string: bos)?.port ?? 0
        return try await Self.startSimulator(in: folder, port: "\(port)").0
    }

    // MARK: The worker

    /// Starts a worker. By default all workers of the test write to the same log.
    func startWorker(_ more: [String: String] = [:], arguments: [String] = [], log: String = "worker.log") throws -> ChildProcess {
        try ChildProcess(
            "bos-worker", arguments: arguments, environment: settings.merging(more) { $1 }, log: folder.appendingPathComponent(log))
    }

    /// Starts a worker and returns once it says that it is ready.
    func startReadyWorker(_ more: [String: String] = [:]) async throws -> ChildProcess {
        let worker = try startWorker(more)
        try #require(await isReady(), "the worker does not become ready: \(worker.output)")
        return worker
    }

    /// Starts a worker beside another one, with a ledger of its own.
    ///
    /// The new worker believes that the lock belongs to a running worker after three of its own heartbeats, so its heartbeats are short. It
    /// does not matter that it may lose its connection because of them.
    func startSecondWorker(ledger: String, settings more: [String: String] = [:]) throws -> ChildProcess {
        let own = ["BOS_HTTP_LISTEN": "127.0.0.1:0", "BOS_LEDGER_URL": "sqlite:\(ledger)", "BOS_AMQP_HEARTBEAT": "1s"]
        return try startWorker(own.merging(more) { $1 }, log: "second.log")
    }

    /// Starts a poller. Returns it with the URL of its HTTP endpoints.
    func startPoller(_ more: [String: String] = [:]) throws -> (ChildProcess, http: String) {
        var listen = ""
        // The worker's port may be free at the moment.
        repeat { listen = "127.0.0.1:\(try Self.freePort())" } while http.hasSuffix(listen)
        let environment = settings.merging(more) { $1 }.merging(["BOS_HTTP_LISTEN": listen]) { $1 }
        let poller = try ChildProcess("bos-poller", environment: environment, log: folder.appendingPathComponent("poller.log"))
        return (poller, "http://\(listen)")
    }

    func isReady() async -> Bool { await eventually { try await Web.get("\(http)/readyz").status == 200 } }

    /// Stops a program with SIGTERM, as systemd does, and returns its exit code.
    func stop(_ worker: ChildProcess) async -> Int32 {
        worker.send(SIGTERM)
        return await worker.exitCode()
    }

    /// Returns a port that was free a moment ago.
    static func freePort() throws -> UInt16 {
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

    // MARK: Results

    /// How often BOS executed each reference. A reference without an execution is missing.
    func executions() async throws -> [String: Int] {
        guard case .object(let members)? = try await Web.get("\(bos)/simulator/books?references=1").json else { return [:] }
        let counts = members.map { ($0.name, $0.value["executed"]?.text.flatMap { Int($0) } ?? -1) }
        return Dictionary(uniqueKeysWithValues: counts.filter { $0.1 != 0 })
    }

    /// How many recharges BOS received again after it had executed them. Each would have been paid twice if BOS had not refused it.
    func repeats() async throws -> Int? {
        try await Web.get("\(bos)/simulator/books").json?["repeats"]?.text.flatMap { Int($0) }
    }

    /// How many calls BOS has counted at an endpoint.
    func callsReceived(_ endpoint: String) async throws -> Int? {
        try await Web.get("\(bos)/simulator/books").json?["calls"]?[endpoint]?.text.flatMap { Int($0) }
    }

    /// How many calls the worker has counted at an endpoint, whatever their result. Its probes are enquiries and count too.
    /// - Parameter result: calls with this result are left out.
    func callsMade(_ endpoint: String, without result: String? = nil) async throws -> Int {
        try await Web.get("\(http)/metrics").text
            .matches(of: /bos_api_requests_total\{endpoint="(\w+)",result="([a-z_]+)"\} (\d+)\n/)
            .filter { $0.1 == endpoint && result != String($0.2) }.compactMap { Int($0.3) }.reduce(0, +)
    }

    func setFaults(_ plan: String) async throws {
        let answer = try await Web.put("\(bos)/simulator/faults", body: plan)
        try #require(answer.status == 200, "the simulator refuses the fault plan: \(answer.text)")
    }

    /// The ledger's counts. The worker may be running.
    func ledgerSummary() async throws -> LedgerSummary { try await ledger().closing { try await $0.summary() } }

    /// The PAN applications that are pending. The worker may be running.
    func pendingApplications() async throws -> [JobRecord] {
        try await ledger().closing { try await $0.jobs(.panStatus, in: .pending, limit: .max) }
    }

    private func ledger() async throws -> SQLiteLedger { try await SQLiteLedger.openReadOnly(path: "\(folder.path)/ledger.sqlite") }

    /// Waits until the queue is empty and no reply is owed, and stops the worker. After a crash a message that was answered before may have
    /// come back, and is still to be acked.
    func finish(_ worker: ChildProcess) async throws {
        // A worker that has only just started does not handle SIGTERM yet.
        #expect(await isReady())
        #expect(await eventually { try await upstream.depth(of: names.recharge) == 0 })
        // Right after its start the worker has not yet published the replies that a killed worker left. It would still owe them.
        #expect(await eventually { try await ledgerSummary().unpublishedReplies == 0 })
        #expect(await stop(worker) == 0)
    }

    /// Expects that BOS executed each reference once, that each has one final reply with `succeeded`, and that the ledger agrees.
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
