import ArgumentParser

/// How much of a list is shown.
struct LimitOption: ParsableArguments {
    @Option(help: "How many are shown at the most.") var limit = 100

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 100000") }
    }
}
