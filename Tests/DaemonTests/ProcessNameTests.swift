import Foundation
import Testing

@testable import Daemon

@Suite("The name of a process in the ledger", .timeLimit(.minutes(1)))
struct ProcessNameTests {
    @Test("holds 64 random bits beside the process id")
    func form() {
        #expect(ProcessName.make("bos-worker").wholeMatch(of: /bos-worker-\d+-[0-9a-f]{16}/) != nil)
        #expect(ProcessName.make("bos-worker").contains("-\(ProcessInfo.processInfo.processIdentifier)-"))
    }
}
