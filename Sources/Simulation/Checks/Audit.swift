import JobModel
import Ledger
import Synchronization

/// The money held against three books that know nothing of each other: what the workers took up, what the ledger says became of it, and what
/// BOS executed. Looked at after every write to the ledger.
final class Audit: Sendable {
    private struct State {
        /// Paise of every recharge that was taken up, by reference.
        var accepted: [String: Int64] = [:]
        /// When that was, in the world's milliseconds.
        var acceptedAt: [String: Int64] = [:]
        /// When the last step of a job before the one under way was stored, by its id.
        var lastSteps: [Int64: Int64] = [:]
        var violations: [String] = []
    }

    /// A number of recharges and the money they are about.
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

    /// What was wrong at the first moment at which something was; empty if all was right so far.
    var violations: [String] { state.withLock { $0.violations } }

    /// A worker took up a job that was new.
    func accepted(_ job: Job, at elapsed: Int64) {
        guard job.kind == .recharge else { return }
        state.withLock { state in
            state.accepted[job.reference] = job.amount.paise
            state.acceptedAt[job.reference] = elapsed
        }
    }

    /// A step of a job was stored: what the job says next it has heard later than that.
    func stepStored(_ jobID: Int64, at elapsed: Int64) { state.withLock { $0.lastSteps[jobID] = elapsed } }

    /// A job's askers are told something.
    func answered(_ update: Update, among records: [JobRecord], bos: ModelBOS, at elapsed: Int64) {
        guard let reply = update.reply, let job = records.first(where: { $0.id == update.jobID })?.job else { return }
        state.withLock { state in
            let assertion = ReplyAssertion(
                reply: reply, since: state.lastSteps[update.jobID] ?? 0, now: elapsed, acceptedAt: state.acceptedAt[job.reference],
                recharge: records.first { $0.job.kind == .recharge && $0.job.reference == job.reference },
                account: bos.books[job.reference] ?? ModelBOS.Account())
            guard state.violations.isEmpty, let problem = assertion.problem(of: job) else { return }
            state.violations = ["\(job.kind.rawValue) \(job.reference) was told \(reply.verdict.outcome.rawValue): \(problem)"]
        }
    }

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
            // States of questions: money there is money nowhere.
            case .pending, .notFound, .answeredPending: break
            }
        }
        guard taken != succeeded + failed + refused + open else { return [] }
        return ["accepted: \(taken); succeeded: \(succeeded), failed: \(failed), refused: \(refused), open: \(open)"]
    }

    /// What BOS has executed was executed once, and is reported as such or still being asked about.
    private static func agreement(of recharges: [JobRecord], with books: [String: ModelBOS.Account]) -> [String] {
        var violations = books.filter { $0.value.executed > 1 }.map { "\($0.key) was executed \($0.value.executed) times" }
        for recharge in recharges {
            let (reference, state) = (recharge.job.reference, recharge.progress.state)
            let isExecuted = books[reference, default: ModelBOS.Account()].executed > 0
            if isExecuted, state.isFinal, state != .succeeded {
                violations.append("\(reference) was executed, and the ledger has closed it as \(state.rawValue)")
            }
            if !isExecuted, state == .succeeded { violations.append("\(reference) is called succeeded, and BOS has not executed it") }
        }
        return violations
    }
}
