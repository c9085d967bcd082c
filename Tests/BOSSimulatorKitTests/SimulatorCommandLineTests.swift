import ArgumentParser
import Testing

@testable import BOSSimulator

@Suite("The command line of bos-simulator", .timeLimit(.minutes(1)))
struct SimulatorCommandLineTests {
    /// A command line, and a part of the error about it.
    private static let refusedLines: [(String, says: String)] = [
        ("simulate --runs 0", "--runs must be 1 or more"),
        ("simulate --seed 18446744073709551615 --runs 2", "too large together"),
        ("simulate --plant nonsense", "nonsense"),
    ]

    @Test("a command line that cannot be run is refused with the reason", arguments: refusedLines)
    func refusesImpossibleCommandLines(line: String, says: String) {
        #expect {
            try BOSSimulatorCommand.parseAsRoot(line.split(separator: " ").map(String.init))
        } throws: {
            BOSSimulatorCommand.message(for: $0).contains(says)
        }
    }

    @Test("a command line without a subcommand is read as one of serve", arguments: ["", "serve "])
    func servesByDefault(subcommand: String) throws {
        let line = subcommand + "--port 0 --latency 5ms --fault hang=0.1 --seed 7 --blind"
        let command = try #require(
            try BOSSimulatorCommand.parseAsRoot(line.split(separator: " ").map(String.init)) as? ServeCommand)
        #expect(command.port == 0 && command.latency == "5ms" && command.faults == ["hang=0.1"] && command.seed == 7 && command.blind)
    }
}
