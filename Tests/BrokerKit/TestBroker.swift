private import Foundation
private import Synchronization

/// A RabbitMQ for tests. `deploy/test` has started it, or this process starts and ends it.
package final class TestBroker: Sendable {
    package let url: String
    /// The broker's folder, for `deploy/lib/rabbitmq`.
    package let directory: String

    private static let own = Mutex<[String]>([])
    private static let sharedStart = Mutex<Task<TestBroker, any Error>?>(nil)

    private init(url: String, directory: String) {
        self.url = url
        self.directory = directory
    }

    /// The broker that tests share. Each test uses names of its own (`name`), so tests can run in parallel.
    package static var shared: TestBroker {
        get async throws {
            let environment = ProcessInfo.processInfo.environment
            if let url = environment["BOS_TEST_AMQP_URL"], let directory = environment["BOS_TEST_BROKER_DIR"] {
                return TestBroker(url: url, directory: directory)
            }
            // A task, so that the first of several tests starts the broker and the others wait for it.
            let task = sharedStart.withLock { start in
                if let start { return start }
                let task = Task { try await TestBroker.start() }
                start = task
                return task
            }
            return try await task.value
        }
    }

    /// Returns a name that no other test uses.
    package static func name(_ prefix: String = "test") -> String {
        "\(prefix)-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    }

    /// Starts another broker, for a test that restarts it, fills it or needs other settings. It ends with `stop()` or with the process.
    ///
    /// - Parameters:
    ///   - configuration: lines for the broker's configuration file.
    ///   - plugins: the plugins that it starts with.
    package static func start(configuration: [String] = [], plugins: [String] = []) async throws -> TestBroker {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(name("bos-broker")).path
        own.withLock { own in
            if own.isEmpty { atexit { TestBroker.stopAll() } }
            own.append(directory)
        }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try "[\(plugins.joined(separator: ","))].\n".write(toFile: "\(directory)/enabled_plugins", atomically: true, encoding: .utf8)
        try await Tool.run(script, arguments: ["start", directory, "0"] + configuration)
        let port = try String(contentsOfFile: "\(directory)/port", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        return TestBroker(url: "amqp://guest:guest@127.0.0.1:\(port)/%2f", directory: directory)
    }

    /// Runs `body` with another broker, and removes the broker afterwards.
    package static func run(
        configuration: [String] = [], plugins: [String] = [], _ body: (TestBroker) async throws -> Void
    ) async throws {
        let broker = try await start(configuration: configuration, plugins: plugins)
        do {
            try await body(broker)
        } catch {
            try? await broker.stop()
            throw error
        }
        try await broker.stop()
    }

    /// Runs rabbitmqctl.
    @discardableResult
    package func ctl(_ arguments: String...) async throws -> String {
        try await Tool.run(Self.script, arguments: ["ctl", directory] + arguments)
    }

    /// Kills the broker, as a power cut does.
    package func kill() async throws {
        try await Tool.run(Self.script, arguments: ["kill", directory])
    }

    /// Starts the broker again, on the same port and with the same data.
    package func restart(configuration: [String] = []) async throws {
        try await Tool.run(Self.script, arguments: ["start", directory, String(port)] + configuration)
    }

    package var port: Int { URL(string: url)?.port ?? 5672 }

    /// Stops the broker and removes its folder.
    package func stop() async throws {
        try await Tool.run(Self.script, arguments: ["stop", directory])
        // rm tolerates that the broker's last helper processes also delete files.
        try await Tool.run("/bin/rm", arguments: ["-rf", directory])
        Self.own.withLock { $0.removeAll { $0 == directory } }
    }

    private static var script: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../deploy/lib/rabbitmq").standardized.path
    }

    /// Stops the brokers that still run at the end of the process.
    private static func stopAll() {
        for directory in own.withLock({ $0 }) {
            _ = try? Tool.runBlocking(script, arguments: ["stop", directory])
            _ = try? Tool.runBlocking("/bin/rm", arguments: ["-rf", directory])
        }
    }
}
