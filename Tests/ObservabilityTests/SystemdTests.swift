import Foundation
import Logging
import NIOPosix
import Observability
import ServiceLifecycle
import Testing

/// Each test uses a datagram socket instead of systemd's, and runs in its own process. libsystemd finds the socket through the environment,
/// which other tests and their child processes share.
@Suite("systemd notification", .timeLimit(.minutes(1)))
struct SystemdTests {
    @Test("without a socket no notification is sent, and no call fails")
    func withoutSystemd() async {
        await #expect(processExitsWith: .success) {
            unsetenv("NOTIFY_SOCKET")
            unsetenv("WATCHDOG_USEC")
            let notifier = SystemdNotifier()
            #expect(!notifier.isEnabled)
            #expect(notifier.watchdogTimeout == nil)
            await notifier.ready("ready")
        }
    }

    @Test("each state is sent in systemd's format")
    func states() async {
        await #expect(processExitsWith: .success) {
            let socket = try NotifySocket()
            let notifier = SystemdNotifier()
            #expect(notifier.isEnabled)
            #expect(notifier.watchdogTimeout == .seconds(30))
            await notifier.ready("consuming\nnow")
            #expect(socket.receive() == "READY=1\nSTATUS=consuming now")
            await notifier.stopping()
            #expect(socket.receive() == "STOPPING=1")
            await notifier.status("two\nlines\r\nWATCHDOG=trigger")
            #expect(socket.receive() == "STATUS=two lines WATCHDOG=trigger")
            socket.close()
        }
    }

    @Test("the watchdog is notified while the process makes progress, and only then")
    func watchdog() async {
        await #expect(processExitsWith: .success) {
            let socket = try NotifySocket()
            let health = FixedHealth()
            let quiet = Logger(label: "bos.test") { _ in SwiftLogNoOpLogHandler() }
            let heartbeat = SystemdHeartbeat(notifier: SystemdNotifier(), health: health, logger: quiet) { "3 in flight" }
            await heartbeat.beat()
            #expect(socket.receive() == "STATUS=3 in flight")
            #expect(socket.receive() == "WATCHDOG=1")
            health.setLiveness([HealthProblem(check: "broker", detail: "no frame for a minute")])
            await heartbeat.beat()
            #expect(socket.receive() == "STATUS=3 in flight")
            #expect(socket.isEmpty)
            health.setLiveness([])
            await heartbeat.beat()
            #expect(socket.receive() == "STATUS=3 in flight")
            #expect(socket.receive() == "WATCHDOG=1")
            socket.close()
        }
    }

    @Test("the heartbeat beats at its start and ends at shutdown, with and without systemd")
    func heartbeatService() async {
        await #expect(processExitsWith: .success) {
            let socket = try NotifySocket()
            try await SystemdTests.runUntilShutdown {
                // The wait for the first beat blocks, so it must not run on the cooperative pool.
                try? await NIOThreadPool.singleton.runIfActive { socket.waitForMessage() }
            }
            #expect(socket.receive() == "WATCHDOG=1")
            socket.close()
            unsetenv("NOTIFY_SOCKET")
            try await SystemdTests.runUntilShutdown {}
        }
    }

    private static func runUntilShutdown(_ body: @Sendable () async -> Void) async throws {
        let quiet = Logger(label: "bos.test") { _ in SwiftLogNoOpLogHandler() }
        let heartbeat = SystemdHeartbeat(notifier: SystemdNotifier(), health: FixedHealth(), logger: quiet)
        let group = ServiceGroup(services: [heartbeat], logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            await body()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

/// A bound datagram socket like systemd's, and the environment variables that name it.
private final class NotifySocket: Sendable {
    let path: String
    private let descriptor: Int32

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "bos-\(UUID().uuidString.prefix(8)).socket").path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        try #require(status == 0, "a datagram socket could not be bound at \(path)")
        setenv("NOTIFY_SOCKET", path, 1)
        setenv("WATCHDOG_USEC", "30000000", 1)
        setenv("WATCHDOG_PID", "\(getpid())", 1)
    }

    /// The next message. It was sent before this call, so the call does not wait.
    func receive() -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return count < 0 ? "nothing arrived" : String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Waits until a message has arrived.
    func waitForMessage() {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&ready, 1, -1)
    }

    var isEmpty: Bool { receive() == "nothing arrived" }

    func close() {
        _ = Glibc.close(descriptor)
        unlink(path)
    }
}
