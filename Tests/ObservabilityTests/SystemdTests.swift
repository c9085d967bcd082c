import Foundation
import Logging
import NIOCore
import Observability
import Testing

/// Against a datagram socket in systemd's place. One test, because the environment belongs to the whole process.
@Suite("systemd notification", .serialized, .timeLimit(.minutes(1)))
struct SystemdTests {
    @Test("without a socket nothing is sent and nothing fails; with one every state arrives as systemd expects it")
    func notifications() async throws {
        let unstarted = SystemdNotifier()
        #expect(!unstarted.isEnabled)
        #expect(unstarted.watchdogTimeout == nil)
        await unstarted.ready()

        let socket = try NotifySocket()
        defer { socket.close() }
        setenv("NOTIFY_SOCKET", socket.path, 1)
        setenv("WATCHDOG_USEC", "30000000", 1)
        setenv("WATCHDOG_PID", "\(getpid())", 1)
        defer { for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) } }

        let notifier = SystemdNotifier()
        #expect(notifier.isEnabled)
        #expect(notifier.watchdogTimeout == .seconds(30))
        await notifier.ready()
        #expect(socket.receive() == "READY=1")
        await notifier.stopping()
        #expect(socket.receive() == "STOPPING=1")
        await notifier.status("two\nlines\r\nWATCHDOG=trigger")
        #expect(socket.receive() == "STATUS=two lines WATCHDOG=trigger")

        let before = NIODeadline.now().uptimeNanoseconds / 1000
        await notifier.reloading()
        let after = NIODeadline.now().uptimeNanoseconds / 1000
        let lines = socket.receive().split(separator: "\n")
        #expect(lines.first == "RELOADING=1")
        let time = try #require(lines.last?.split(separator: "=").last.flatMap { UInt64($0) })
        #expect((before...after).contains(time))
        #expect(lines.last == "MONOTONIC_USEC=\(time)")

        try await heartbeat(notifier, socket)
    }

    /// The watchdog is fed while there is progress, and only then.
    private func heartbeat(_ notifier: SystemdNotifier, _ socket: NotifySocket) async throws {
        let health = FixedHealth()
        let quiet = Logger(label: "bos.test") { _ in SwiftLogNoOpLogHandler() }
        let heartbeat = SystemdHeartbeat(notifier: notifier, health: health, logger: quiet) { "3 in flight" }
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
    }
}

/// A bound datagram socket, as systemd listens on one.
private final class NotifySocket {
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
    }

    /// The next message. It was sent before this is called, so there is nothing to wait for.
    func receive() -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return count < 0 ? "nothing arrived" : String(decoding: bytes[..<count], as: UTF8.self)
    }

    var isEmpty: Bool { receive() == "nothing arrived" }

    func close() {
        _ = Glibc.close(descriptor)
        unlink(path)
    }
}
