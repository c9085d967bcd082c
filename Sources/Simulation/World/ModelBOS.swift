import BOSClient
import JobModel
import Synchronization

/// BOS with its books. During the fault phase its answers may be late, lost, misleading or empty.
///
/// It executes a reference as often as it is asked to, so that only the worker can prevent a second execution. It answers with bytes,
/// which the rules of the real client read.
final class ModelBOS: Sendable {
    /// What BOS has done with one reference.
    struct Account: Sendable {
        var executed = 0
        var executedAt: Int64 = 0
        /// When enquiries begin to find the execution; `Int64.max` if BOS has kept no record of it.
        var visibleFrom: Int64 = 0
        /// The recharge is pending until then; after that it is executed, or has failed.
        var pendingUntil: Int64?
        var willFail = false
        var hasFailed = false
        /// How many requests BOS took or may still receive. Requests that it refused unread are not counted.
        var taken = 0
        /// How many answers refused the recharge, or the credentials of this job.
        var refusals = 0
        /// From the last request.
        var subscriber = ""
        var amount = ""

        /// The sum of a reference's accounts at both APIs.
        static func + (one: Account, other: Account) -> Account {
            var sum = one.executed > 0 ? one : other
            sum.executed = one.executed + other.executed
            sum.hasFailed = one.hasFailed || other.hasFailed
            sum.taken = one.taken + other.taken
            sum.refusals = one.refusals + other.refusals
            sum.pendingUntil = one.pendingUntil ?? other.pendingUntil
            return sum
        }
    }

    /// What the caller of BOS gets.
    enum CallResult: Sendable {
        case answer(RawAnswer)
        /// The connection was refused.
        case notSent
        /// The caller got no answer.
        case lost
    }

    let world: SimulatedWorld
    private let accounts = Mutex<[String: [String: Account]]>([:])

    /// The longest time, in milliseconds, for which an execution stays hidden from enquiries or a request stays on its way.
    ///
    /// It is shorter than the settle window (2 minutes). "Not found" proves that nothing was executed only under this assumption.
    static let longestDelay = 100_000
    /// The same for a recharge that BOS executes although it refuses it. It is shorter than the window after a refusal (30 seconds).
    private static let longestDelayOfRefused = 25_000

    init(_ world: SimulatedWorld) { self.world = world }

    /// The accounts by reference, summed over both APIs.
    var books: [String: Account] {
        accounts.withLock { $0.values.reduce(into: [:]) { $0.merge($1) { $0 + $1 } } }
    }

    // MARK: DoRecharge

    /// Takes one request to execute a recharge. The process that sent it may end before the answer.
    func recharge(_ call: Call, isAlive: () -> Bool) async -> CallResult {
        await world.sleep(Int64(world.number(1...400)))
        guard isAlive() else { return .notSent }
        if let outage = world.conditions.outage(at: world.elapsed) { return recharge(call, during: outage) }
        if world.conditions.refusesMerchant, call.recharge.registerID == Conditions.refusedMerchant {
            update(call) { $0.refusals += 1 }
            return answer(call, with: credentialsRefused, note: "credentials refused for this merchant")
        }
        if world.conditions.isUsed(call.recharge.reference) {
            update(call) { $0.taken += 1 }
            return answer(call, with: duplicate, note: "used before by another system")
        }
        guard world.shouldFail(world.faultRates.bosTrouble) else { return answer(call, with: execute(call), note: "executed") }
        return await world.chance(0.5) ? rechargeAnswered(call) : rechargeUnanswered(call)
    }

    private func recharge(_ call: Call, during outage: Conditions.Outage) -> CallResult {
        switch outage {
        case .oneCode(let code):
            update(call) { $0.refusals += 1 }
            if world.chance(0.5) { _ = execute(call) } else { update(call) { $0.taken += 1 } }
            return answer(call, with: refused(code: code), note: "code \(code) for every call")
        case .maintenance, .emptyWallet, .credentials: return answer(call, with: answer(during: outage), note: "come later")
        }
    }

    private func rechargeAnswered(_ call: Call) -> CallResult {
        switch world.number(0...7) {
        case 0: return answer(call, with: RawAnswer(429, retryAfter: .seconds(world.number(1...30)), ""), note: "429")
        case 1:
            update(call) { $0.refusals += 1 }
            return answer(call, with: credentialsRefused, note: "credentials refused")
        case 2:
            update(call) { account in
                account.taken += 1
                account.refusals += 1
                account.hasFailed = account.executed == 0
            }
            return answer(call, with: refused(code: 3), note: "refused for good")
        case 3:
            update(call) { $0.refusals += 1 }
            let isExecuted = world.chance(0.5)
            if isExecuted {
                _ = execute(call, hiddenFor: world.number(0...Self.longestDelayOfRefused))
            } else {
                update(call) { $0.taken += 1 }
            }
            return answer(call, with: refused(code: 5), note: isExecuted ? "executed, reported as refused" : "refused")
        case 4:
            let delay = Int64(world.number(1_000...300_000))
            let fails = world.chance(0.5)
            update(call) { account in
                account.taken += 1
                (account.pendingUntil, account.willFail) = (world.elapsed + delay, fails)
            }
            return answer(call, with: accepted(call), note: "accepted, \(fails ? "fails" : "done") later")
        case 5:
            // BOS itself passes the request on twice, and refuses the second one.
            _ = execute(call)
            return answer(call, with: duplicate, note: "executed, reported as a duplicate")
        case 6:
            let isRecorded = isRecorded
            _ = execute(call, hiddenFor: isRecorded ? 0 : nil)
            return answer(call, with: RawAnswer(500, "<html>"), note: isRecorded ? "executed, 500" : "executed without a record, 500")
        default:
            guard !world.conditions.hasOwnNumbers, world.conditions.shape == .full else {
                _ = execute(call)
                return answer(call, with: RawAnswer(200, #"{"status":true,"response_code":1,"mess"#), note: "executed, half an answer")
            }
            // BOS mixes up two calls: it does not execute this one, and sends the answer to another.
            return answer(call, with: done(refid: "r999"), note: "answered with another recharge's answer")
        }
    }

    private func rechargeUnanswered(_ call: Call) async -> CallResult {
        switch world.number(0...4) {
        case 0:
            world.note("BOS \(call.recharge.reference): connection refused")
            return .notSent
        case 1:
            update(call) { $0.taken += 1 }
            return await lost(call, note: "time-out, never arrived")
        case 2:
            let isRecorded = isRecorded
            _ = execute(call, hiddenFor: isRecorded ? 0 : nil)
            return await lost(call, note: isRecorded ? "executed, answer lost" : "executed without a record, answer lost")
        case 3:
            lateExecution(call)
            return await lost(call, note: "time-out, executed later")
        default:
            let isRecorded = isRecorded
            _ = execute(call, hiddenFor: isRecorded ? world.number(0...Self.longestDelay) : nil)
            return await lost(call, note: isRecorded ? "executed, not visible yet, answer lost" : "executed without a record, answer lost")
        }
    }

    private func lost(_ call: Call, note: String) async -> CallResult {
        world.note("BOS \(call.recharge.reference): \(note)")
        await world.sleep(30_000)
        return .lost
    }

    // MARK: Books

    /// Whether BOS keeps a record of an execution whose answer was lost. Drawn again at each access.
    private var isRecorded: Bool { world.conditions.keepsRecords || world.chance(0.3) }

    /// Whether BOS has executed the reference; `nil` while that can still change.
    func isExecuted(_ reference: String) -> Bool? {
        guard world.elapsed > world.faultPhase + 2 * Int64(Self.longestDelay) else { return nil }
        closeBooks()
        guard let account = books[reference] else { return false }
        return account.pendingUntil == nil ? account.executed > 0 : nil
    }

    /// - Parameter delay: the milliseconds for which no enquiry finds the execution; `nil` if none ever does.
    private func execute(_ call: Call, hiddenFor delay: Int? = 0) -> RawAnswer {
        update(call) { account in
            account.taken += 1
            account.executed += 1
            account.executedAt = world.elapsed
            account.pendingUntil = nil
            account.visibleFrom = delay.map { world.elapsed + Int64($0) } ?? .max
        }
        return done(refid: world.conditions.refid(call.recharge.reference))
    }

    /// Executes a request that arrives after its sender has stopped waiting.
    private func lateExecution(_ call: Call) {
        let delay = Int64(world.number(31_000...Self.longestDelay))
        update(call) { $0.taken += 1 }
        // A task of the world, because the request arrives even if the process that sent it has crashed.
        Task(executorPreference: world.executor) {
            await self.world.sleep(delay)
            _ = self.execute(call)
        }
    }

    private func update(_ call: Call, change: (inout Account) -> Void) {
        accounts.withLock { accounts in
            var account = accounts[call.destination]?[call.recharge.reference] ?? Account()
            (account.subscriber, account.amount) = (call.recharge.subscriber, call.recharge.amount.rupees)
            change(&account)
            accounts[call.destination, default: [:]][call.recharge.reference] = account
        }
    }

    /// The account of a reference at that API, as it is now.
    func account(_ reference: String, at destination: String) -> Account? {
        accounts.withLock { accounts in
            guard var account = accounts[destination]?[reference] else { return nil }
            account.decide(at: world.elapsed)
            accounts[destination]?[reference] = account
            return account
        }
    }

    /// Decides every pending recharge that is due, so that the books can be compared.
    func closeBooks() {
        accounts.withLock { accounts in
            for destination in accounts.keys {
                for reference in accounts[destination, default: [:]].keys { accounts[destination]?[reference]?.decide(at: world.elapsed) }
            }
        }
    }

    private func answer(_ call: Call, with answer: RawAnswer, note: String) -> CallResult {
        world.note("BOS \(call.recharge.reference): \(note): \(answer.httpStatus) \(String(decoding: answer.body, as: UTF8.self))")
        return .answer(answer)
    }
}

extension ModelBOS {
    /// A request to execute a recharge, sent to one API.
    struct Call: Sendable {
        var recharge: Recharge
        var destination: String
    }
}

extension ModelBOS.Account {
    fileprivate mutating func decide(at elapsed: Int64) {
        guard let until = pendingUntil, until <= elapsed else { return }
        pendingUntil = nil
        guard !willFail else { return hasFailed = true }
        executed += 1
        executedAt = until
    }
}
