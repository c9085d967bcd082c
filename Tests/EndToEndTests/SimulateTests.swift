import Foundation
import Testing

extension EndToEnd {
    /// Runs the simulation in the program under test, which is the optimised one where `BOS_TEST_PROGRAMS` names it.
    @Suite struct Simulate {
        @Test("the same seed gives the same trace in every process")
        func sameSeedGivesSameTraceInEveryProcess() async throws {
            // In each of these scenarios several recipients wait for the same run. Their order once depended on the order of a dictionary.
            for seed in ["0", "28", "64", "79"] {
                let arguments = ["--seed", seed, "--trace"]
                let (first, again) = (try await simulate(arguments), try await simulate(arguments))
                #expect(first.code == 0, "\(first.output)")
                #expect(first.output.split(separator: "\n").count > 50)
                let isSame = first.output == again.output
                #expect(isSame, "seed \(seed) gives two traces: compare them")
            }
        }

        @Test("five thousand scenarios keep every promise, and a planted bug is reported with its trace")
        func keptPromisesAndPlantedBug() async throws {
            let kept = try await simulate(["--seed", "0", "--runs", "5000"])
            #expect(kept.code == 0 && kept.output.contains("5000 scenarios from seed 0 on: every promise was kept"), "\(kept.output)")
            let broken = try await simulate(["--runs", "1000", "--plant", "resend-on-timeout"])
            #expect(broken.code == 1)
            // Which promise breaks first depends on the seed.
            let isTold = broken.output.contains("BROKEN: ") && broken.output.contains("the same again: bos-simulator simulate --seed ")
            #expect(isTold, "\(broken.output.suffix(1_000))")
        }

        @Test("a command line that would run no scenario is refused", arguments: [["--runs", "0"], ["--seed", "18446744073709551615"]])
        func commandLineWithoutScenarioIsRefused(arguments: [String]) async throws {
            #expect(try await simulate(arguments).code == 64)
        }

        private func simulate(_ arguments: [String]) async throws -> (code: Int32, output: String) {
            let log = FileManager.default.temporaryDirectory.appendingPathComponent("simulate-\(UUID().uuidString).log")
            defer { try? FileManager.default.removeItem(at: log) }
            let process = try ChildProcess("bos-simulator", arguments: ["simulate"] + arguments, log: log)
            return (await process.exitCode(), process.output)
        }
    }
}
