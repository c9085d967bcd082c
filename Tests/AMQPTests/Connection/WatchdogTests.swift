import Foundation
import Testing

@testable import AMQP

@Suite("the watchdog", .timeLimit(.minutes(1)))
struct WatchdogTests {
    private func pair() throws -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { throw POSIXError(.EMFILE) }
        return (ends[0], ends[1])
    }

    @Test("the socket of an overdue call is shut down, even if the descriptor's number belongs to another file by then")
    func overdueCallLosesItsSocket() async throws {
        let (mine, peer) = try pair()
        let watchdog = Watchdog(descriptor: mine)
        // The library closes the socket when it likes, and another file gets the number.
        let bystander = try pair()
        dup2(bystander.0, mine)
        close(bystander.0)
        watchdog.arm(for: .zero)
        let count = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var byte: UInt8 = 0
                continuation.resume(returning: recv(peer, &byte, 1, 0))
            }
        }
        #expect(count == 0)
        #expect(watchdog.didFire)
        // The other file is unharmed.
        var byte: UInt8 = 7
        #expect(send(mine, &byte, 1, Int32(MSG_NOSIGNAL)) == 1)
        for descriptor in [mine, peer, bystander.1] { close(descriptor) }
    }
}
