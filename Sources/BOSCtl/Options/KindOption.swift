import ArgumentParser
import JobModel
import Ledger

extension JobKind: ExpressibleByArgument {}

/// Which job a reference means; jobs of different kinds may share one.
struct KindOption: ParsableArguments {
    @Option(help: "recharge, recharge.status or pan.status; every kind that has the reference when absent.") var kind: JobKind?

    private var kinds: [JobKind] { kind.map { [$0] } ?? JobKind.allCases }

    /// The jobs of that reference with their histories; never none.
    func jobs(
        _ reference: String, in ledger: any Ledger, _ access: LedgerAccess
    ) async throws -> [(record: JobRecord, history: [HistoryEntry])] {
        var found: [(record: JobRecord, history: [HistoryEntry])] = []
        for kind in kinds {
            if let job = try await ledger.job(kind, reference: reference) { found.append(job) }
        }
        guard !found.isEmpty else { throw CommandFailure.unknownJob(reference: reference, kinds, path: access.path) }
        return found
    }
}
