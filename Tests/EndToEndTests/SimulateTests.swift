import Foundation
import Testing

extension EndToEnd {
    /// The rules of worker and poller as the program has them, optimised if that is what is tested.
    @Suite struct Simulate {
        @Test("the same seed tells the same story in every process")
        func determinism() async throws {
            // Each with several askers that wait for the same run: what the order of a dictionary once decided.
            for seed in ["0", "28", "64", "79"] {
                let arguments = ["--seed", seed, "--trace"]
                let (first, again) = (try await simulate(arguments), try await simulate(arguments))
                #expect(first.code == 0, "\(first.output)")
                #expect(first.output.split(separator: "\n").count > 50)
                let isSame = first.output == again.output
                #expect(isSame, "seed \(seed) tells two stories: compare them")
            }
        }

        @Test("a thousand stories keep every promise, and a planted mistake is told with its story")
        func stories() async throws {
            let kept = try await simulate(["--seed", "10000", "--runs", "1000"])
            #expect(kept.code == 0 && kept.output.contains("1000 stories from seed 10000 on: every promise was kept"), "\(kept.output)")
            let broken = try await simulate(["--runs", "1000", "--plant", "resend-on-timeout"])
            #expect(broken.code == 1)
            // Which promise breaks first is a matter of the seed.
            let isTold = broken.output.contains("BROKEN: ") && broken.output.contains("the same again: bos-simulator simulate --seed ")
            #expect(isTold, "\(broken.output.suffix(1_000))")
        }

        @Test("what would look at no story at all is refused", arguments: [["--runs", "0"], ["--seed", "18446744073709551615"]])
        func nothing(arguments: [String]) async throws {
            #expect(try await simulate(arguments).code == 64)
        }

        private func simulate(_ arguments: [String]) async throws -> (code: Int32, output: String) {
            let log = FileManager.default.temporaryDirectory.appendingPathComponent("simulate-\(UUID().uuidString).log")
            defer { try? FileManager.default.removeItem(at: log) }
            let process = try ChildProcess("bos-simulator", ["simulate"] + arguments, log: log)
            return (await process.exitCode(), process.output)
        }
    }
}
