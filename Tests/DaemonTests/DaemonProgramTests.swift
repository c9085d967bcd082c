import ArgumentParser
import Foundation
import Testing

@testable import Daemon

@Suite("Command line of the daemons", .timeLimit(.minutes(1)))
struct DaemonOptionsTests {
    @Test("configuration keys in every spelling are passed on, beside the program's own options")
    func keysArePassedOn() throws {
        let options = try DaemonOptions.parse(["--api.baseURL=http://x/a", "--config", "/etc/c.yaml", "--log.level", "debug"])
        let sources = options.sources(environment: ["A": "b"])
        #expect(sources.file == "/etc/c.yaml")
        #expect(sources.options == ["--api.baseURL=http://x/a", "--log.level", "debug"])
        #expect(sources.environment == ["A": "b"])
        #expect(!options.printConfigurationKeys)
        #expect(try DaemonOptions.parse(["--print-configuration-keys"]).printConfigurationKeys)
    }

    @Test("no configuration key has the name of one of the program's own options")
    func keysHideNoOption() {
        #expect(SettingKey.allNames.allSatisfy { $0.contains(".") })
    }

    @Test("the exit codes are those of operating.md")
    func exitCodes() {
        let codes: [ProcessExit] = [.drained, .usage, .internalFault, .notDrained, .configuration]
        #expect(codes.map(\.rawValue) == [0, 64, 70, 75, 78])
    }
}

@Suite("Process names in the ledger", .timeLimit(.minutes(1)))
struct ProcessNameTests {
    @Test("a process name holds the process id and 64 random bits")
    func nameHoldsIDAndRandomBits() {
        #expect(ProcessName.make("bos-worker").wholeMatch(of: /bos-worker-\d+-[0-9a-f]{16}/) != nil)
        #expect(ProcessName.make("bos-worker").contains("-\(ProcessInfo.processInfo.processIdentifier)-"))
    }
}
