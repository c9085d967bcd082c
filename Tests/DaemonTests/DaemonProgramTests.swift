import ArgumentParser
import Foundation
import Testing

@testable import Daemon

@Suite("Command line", .timeLimit(.minutes(1)))
struct DaemonOptionsTests {
    @Test("configuration keys pass through in every spelling, beside the program's own options")
    func passThrough() throws {
        let options = try DaemonOptions.parse(["--api.baseURL=http://x/a", "--config", "/etc/c.yaml", "--log.level", "debug"])
        let sources = options.sources(environment: ["A": "b"])
        #expect(sources.file == "/etc/c.yaml")
        #expect(sources.options == ["--api.baseURL=http://x/a", "--log.level", "debug"])
        #expect(sources.environment == ["A": "b"])
        #expect(!options.printConfigurationKeys)
        #expect(try DaemonOptions.parse(["--print-configuration-keys"]).printConfigurationKeys)
    }

    @Test("no configuration key hides one of the program's own options")
    func noClash() {
        #expect(SettingKey.allNames.allSatisfy { $0.contains(".") })
    }

    @Test("the exit codes are those of the contract")
    func exitCodes() {
        let codes: [ProcessExit] = [.drained, .usage, .internalFault, .notDrained, .configuration]
        #expect(codes.map(\.rawValue) == [0, 64, 70, 75, 78])
    }
}

@Suite("The name of a process in the ledger", .timeLimit(.minutes(1)))
struct ProcessNameTests {
    @Test("holds 64 random bits beside the process id")
    func form() {
        #expect(ProcessName.make("bos-worker").wholeMatch(of: /bos-worker-\d+-[0-9a-f]{16}/) != nil)
        #expect(ProcessName.make("bos-worker").contains("-\(ProcessInfo.processInfo.processIdentifier)-"))
    }
}
