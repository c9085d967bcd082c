import JobModel
import Ledger
import Synchronization

/// Compares three independent books after every write to the ledger: what the workers accepted, what the ledger says became of it, and what
/// BOS executed.
final class Audit: Sendable {
    private struct State {
        /// The paise of every accepted recharge, by reference.
        var accepted: [String: Int64] = [:]
        /// When each recharge was accepted, in milliseconds since the start, by reference.
        var acceptedAt: [String: Int64] = [:]
        /// When the last step of each job was stored, in milliseconds since the start, by the job's id.
        var lastSteps: [Int64: Int64] = [:]
        /// Since when the operator holds recharges, in milliseconds since the start.
        var heldSince: Int64?
        var violations: [String] = []
    }

    /// A number of recharges, and their amounts added up.
    private struct Sum: Equatable, CustomStringConvertible {
        var count = 0
        var paise: Int64 = 0

        var description: String { "\(count) (\(paise) paise)" }

        static func += (sum: inout Sum, paise: Int64) {
            sum.count += 1
            sum.paise += paise
        }

        static func + (one: Sum, other: Sum) -> Sum { Sum(count: one.count + other.count, paise: one.paise + other.paise) }
    }

    private let state = Mutex(State())

    /// The violations that the first failed comparison found; empty if every comparison has succeeded so far.
    var violations: [String] { state.withLock { $0.violations } }

    /// Records that a worker has accepted a new job.
    func accepted(_ job: Job, at elapsed: Int64) {
        guard job.kind == .recharge else { return }
        state.withLock { state in
            state.accepted[job.reference] = job.amount.paise
            state.acceptedAt[job.reference] = elapsed
        }
    }

    /// Records that a step of a job was stored. The job's next reply rests on what it learns after that.
    func stepStored(_ jobID: Int64, at elapsed: Int64) { state.withLock { $0.lastSteps[jobID] = elapsed } }

    /// Records that the operator holds a lane, or has ended the hold.
    func held(_ lane: JobLane, since start: Int64?) {
        guard lane == .money else { return }
        state.withLock { $0.heldSince = start }
    }

    /// Checks that a recharge leaves now although no worker can have missed a hold.
    func sent(_ reference: String, at elapsed: Int64) {
        let patience = Int64(SimulatedHolds.readingInterval / .milliseconds(1)) + 1_000
        state.withLock { state in
            guard state.violations.isEmpty, let since = state.heldSince, elapsed - since > patience else { return }
            state.violations = ["\(reference) was sent although the operator had held recharges for \(elapsed - since) ms"]
        }
    }

    /// Checks the reply of an update, if it has one, at the moment it is stored.
    func answered(_ update: Update, among records: [JobRecord], bos: ModelBOS, at elapsed: Int64) {
        guard let reply = update.reply, let job = records.first(where: { $0.id == update.jobID })?.job else { return }
        state.withLock { state in
            let assertion = ReplyAssertion(
                reply: reply, since: state.lastSteps[update.jobID] ?? 0, now: elapsed, acceptedAt: state.acceptedAt[job.reference],
                recharge: records.first { $0.job.kind == .recharge && $0.job.reference == job.reference },
                account: bos.books[job.reference] ?? ModelBOS.Account())
            guard state.violations.isEmpty, let problem = assertion.problem(of: job) else { return }
            state.violations = ["\(job.kind.rawValue) \(job.reference) was answered \(reply.verdict.outcome.rawValue): \(problem)"]
        }
    }

    /// Compares the three books, unless a violation was found before.
    func compare(_ records: [JobRecord], with books: [String: ModelBOS.Account]) {
        let recharges = records.filter { $0.job.kind == .recharge }
        state.withLock { state in
            guard state.violations.isEmpty else { return }
            state.violations = Self.balance(accepted: state.accepted, recharges: recharges) + Self.agreement(of: recharges, with: books)
        }
    }

    /// Accepted = succeeded + failed + refused + open, in count and in paise.
    private static func balance(accepted: [String: Int64], recharges: [JobRecord]) -> [String] {
        var (taken, succeeded, failed, refused, open) = (Sum(), Sum(), Sum(), Sum(), Sum())
        for paise in accepted.values { taken += paise }
        for recharge in recharges {
            let paise = recharge.job.amount.paise
            switch recharge.progress.state {
            case .succeeded: succeeded += paise
            case .failed, .expired: failed += paise
            case .refused: refused += paise
            case .accepted, .sending, .inDoubt, .parked, .held: open += paise
            // A recharge is never in one of these states. Its money would be missing from the sum.
            case .pending, .notFound, .answeredPending: break
            }
        }
        guard taken != succeeded + failed + refused + open else { return [] }
        return ["accepted: \(taken); succeeded: \(succeeded), failed: \(failed), refused: \(refused), open: \(open)"]
    }

    /// BOS has executed each reference at most once, and the ledger has closed a recharge as succeeded only if BOS has executed it.
    private static func agreement(of recharges: [JobRecord], with books: [String: ModelBOS.Account]) -> [String] {
        var violations = books.filter { $0.value.executed > 1 }.map { "\($0.key) was executed \($0.value.executed) times" }
        for recharge in recharges {
            let (reference, state) = (recharge.job.reference, recharge.progress.state)
            let isExecuted = books[reference, default: ModelBOS.Account()].executed > 0
            if isExecuted, state.isFinal, state != .succeeded {
                violations.append("\(reference) was executed, and the ledger has closed it as \(state.rawValue)")
            }
            if !isExecuted, state == .succeeded { violations.append("\(reference) is closed as succeeded, and BOS has not executed it") }
        }
        return violations
    }
}
