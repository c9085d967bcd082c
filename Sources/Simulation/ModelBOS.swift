import JobEngine
import JobModel
import Synchronization

/// BOS with its books: what it executed, and what it says about it, which is late, lost or unhelpful while the storm lasts.
///
/// It refuses no second execution: what keeps the promise must be the worker.
final class ModelBOS: Sendable {
    /// What has become of one reference.
    struct Account: Sendable {
        var executed = 0
        /// From when on enquiries tell of the execution.
        var visibleFrom: Int64 = 0
        /// Taken and not decided until then; then executed or failed.
        var pendingUntil: Int64?
        var willFail = false
        var hasFailed = false
    }

    private let world: World
    private let accounts = Mutex<[String: Account]>([:])

    /// An execution may be hidden from enquiries, or a request be on its way, for less than the settle window (2 minutes): the assumption
    /// on which "not found" proves anything.
    private static let longestDelay = 100_000

    init(_ world: World) { self.world = world }

    var books: [String: Account] { accounts.withLock { $0 } }

    /// One request to execute a recharge, by a process that may be gone before the answer.
    func recharge(_ recharge: Recharge, isAlive: () -> Bool) async -> CallReport<RechargeMachine.Event> {
        await world.sleep(Int64(world.number(1...400)))
        guard isAlive() else { return CallReport(.notTaken(.notSent), note: "dead") }
        guard world.strikes(world.weather.bosTrouble) else { return execute(recharge) }
        switch world.number(0...10) {
        case 0: return report(recharge, .notTaken(.notSent), "connection refused")
        case 1: return report(recharge, .notTaken(.throttled(retryAfter: .seconds(world.number(1...30)))), "429")
        case 2: return report(recharge, .notTaken(.credentialsRefused), "code 16")
        case 3:
            update(recharge) { $0.hasFailed = $0.executed == 0 }
            return report(recharge, .answered(.refused(isFinal: world.chance(0.5)), Self.answer(3)), "refused")
        case 4:
            await world.sleep(30_000)
            return report(recharge, .unknown(nil), "time-out, never arrived")
        case 5:
            _ = execute(recharge)
            await world.sleep(30_000)
            return report(recharge, .unknown(nil), "executed, answer lost")
        case 6:
            lateExecution(recharge)
            await world.sleep(30_000)
            return report(recharge, .unknown(nil), "time-out, executed later")
        case 7:
            let delay = Int64(world.number(1_000...300_000))
            let fails = world.chance(0.5)
            update(recharge) { ($0.pendingUntil, $0.willFail) = (world.elapsed + delay, fails) }
            return report(recharge, .answered(.accepted, Self.answer(2)), "accepted, \(fails ? "fails" : "done") later")
        case 8:
            // Sent on twice within BOS, so that it refuses its own repeat.
            _ = execute(recharge)
            return report(recharge, .answered(.duplicateReference, Self.answer(11)), "executed, called a duplicate")
        case 9:
            _ = execute(recharge)
            return report(recharge, .unknown(Answer(httpStatus: 500)), "executed, 500")
        default:
            _ = execute(recharge)
            update(recharge) { $0.visibleFrom = world.elapsed + Int64(world.number(0...Self.longestDelay)) }
            return report(recharge, .unknown(nil), "executed, not visible yet")
        }
    }

    func enquire(_ reference: String) async -> CallReport<Enquiry> {
        await world.sleep(Int64(world.number(1...400)))
        if world.strikes(world.weather.bosTrouble / 2) {
            return CallReport(
                .unanswered(world.pick([.unanswered, .notSent, .throttled, .credentialsRefused]), retryAfter: nil), note: "no answer")
        }
        if world.strikes(world.weather.bosTrouble / 10) {
            world.note("enquiry \(reference): declined")
            return CallReport(.found(.declined, Self.answer(17)), note: "declined")
        }
        let finding = accounts.withLock { accounts -> RechargeMachine.Finding in
            guard var account = accounts[reference] else { return .notFound }
            decide(&account)
            accounts[reference] = account
            if account.pendingUntil != nil { return .pending }
            if account.executed > 0 { return account.visibleFrom > world.elapsed ? .notFound : .succeeded }
            return account.hasFailed ? .failed(refunded: false) : .notFound
        }
        // It changes its mind about what it is still working on, within what it may hide.
        let told: RechargeMachine.Finding = finding == .pending && world.strikes(0.3) ? .notFound : finding
        world.note("enquiry \(reference): \(told)")
        return CallReport(.found(told, Self.answer(1)), note: "\(told)")
    }

    func panStatus(_ reference: String) async -> CallReport<PANStatusMachine.Event> {
        await world.sleep(Int64(world.number(1...400)))
        if world.strikes(world.weather.bosTrouble / 2) {
            return CallReport(.unanswered(world.pick([.unanswered, .notSent, .throttled]), retryAfter: nil), note: "no answer")
        }
        let decision = PANDecision(reference)
        if world.elapsed < decision.at {
            let message = world.chance(0.5) ? "under process" : "under process at NSDL"
            return CallReport(.found(.pending, Answer(httpStatus: 200, message: message)), note: "pending")
        }
        return CallReport(.found(decision.isRejected ? .rejected : .completed, Self.answer(1)), note: "decided")
    }

    // MARK: Books

    /// Whether it was executed, if that cannot change any more.
    func settled(_ reference: String) -> Bool? {
        guard world.elapsed > world.storm + 2 * Int64(Self.longestDelay) else { return nil }
        return accounts.withLock { accounts in
            guard let account = accounts[reference], account.pendingUntil == nil else { return nil }
            return account.executed > 0
        }
    }

    private func execute(_ recharge: Recharge) -> CallReport<RechargeMachine.Event> {
        update(recharge) { account in
            account.executed += 1
            account.pendingUntil = nil
        }
        return report(recharge, .answered(.done, Self.answer(1)), "executed")
    }

    /// A request that is still on its way when its sender has given it up.
    private func lateExecution(_ recharge: Recharge) {
        let delay = Int64(world.number(31_000...Self.longestDelay))
        // Belongs to the world, not to the process that sent it: it arrives whatever becomes of that.
        Task(executorPreference: world.executor) {
            await self.world.sleep(delay)
            _ = self.execute(recharge)
        }
    }

    private func decide(_ account: inout Account) {
        guard let until = account.pendingUntil, until <= world.elapsed else { return }
        account.pendingUntil = nil
        if account.willFail { account.hasFailed = true } else { account.executed += 1 }
    }

    private func update(_ recharge: Recharge, _ change: (inout Account) -> Void) {
        accounts.withLock { change(&$0[recharge.reference, default: Account()]) }
    }

    private func report(
        _ recharge: Recharge, _ event: RechargeMachine.Event, _ what: String
    ) -> CallReport<RechargeMachine.Event> {
        world.note("BOS \(recharge.reference): \(what)")
        return CallReport(event, note: what)
    }

    /// What is pending at the end is decided, so that the books can be compared.
    func closeBooks() {
        accounts.withLock { accounts in
            for reference in accounts.keys { if var account = accounts[reference] { decide(&account); accounts[reference] = account } }
        }
    }

    private static func answer(_ code: Int) -> Answer { Answer(httpStatus: 200, responseCode: code, status: code == 1, message: "said") }
}

/// When a PAN application is decided and how: told by its name, so that it needs no books.
struct PANDecision {
    let at: Int64
    let isRejected: Bool
    /// Never decided: it ends as expired.
    let isEndless: Bool

    init(_ reference: String) {
        let number = reference.utf8.reduce(UInt64(7)) { ($0 &* 31) &+ UInt64($1) }
        isEndless = number % 7 == 0
        isRejected = number % 3 == 0
        at = isEndless ? .max : Int64(number % 1_200_000)
    }
}
