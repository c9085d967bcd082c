import BOSClient
import JobModel

/// How BOS answers enquiries about recharges and PAN applications.
extension ModelBOS {
    // MARK: RechargesStatus

    /// - Parameter name: the reference, or BOS's own number.
    func enquire(_ name: String, registerID: String, at destination: String) async -> CallResult {
        await world.sleep(Int64(world.number(1...400)))
        let reference = Conditions.reference(named: name)
        if let outage = world.conditions.outage(at: world.elapsed) {
            return answer(reference, with: answer(during: outage), note: "the same for every call")
        }
        if world.conditions.refusesMerchant, registerID == Conditions.refusedMerchant {
            return answer(reference, with: credentialsRefused, note: "credentials refused for this merchant")
        }
        if world.shouldFail(world.faultRates.bosTrouble / 2) { return trouble() }
        if world.shouldFail(world.faultRates.bosTrouble / 10) {
            return answer(reference, with: refused(code: world.pick([5, 17])), note: "declined")
        }
        if world.isInFaultPhase, let misleading = misleading(reference, at: destination) {
            return answer(reference, with: misleading, note: "misleading")
        }
        guard let finding = finding(reference, at: destination) else {
            return answer(
                reference, with: world.conditions.enquiryMode == .credulous ? foundNothing(data: nil) : notFound, note: "not found")
        }
        return answer(reference, with: found(finding), note: "data.status \(finding.status)")
    }

    /// The correct result of an enquiry; `nil` if the enquiry finds no recharge.
    private func finding(_ reference: String, at destination: String) -> EnquiryResult? {
        let refid = world.conditions.refid(reference)
        guard world.conditions.enquiryMode != .blind else { return nil }
        if world.conditions.isUsed(reference) { return EnquiryResult(status: 1, refid: refid, subscriber: "9999", amount: "4") }
        guard let account = account(reference, at: destination) else { return nil }
        func result(_ status: Int) -> EnquiryResult {
            EnquiryResult(status: status, refid: refid, subscriber: account.subscriber, amount: account.amount)
        }
        // BOS finds a pending recharge at one enquiry and not at the next.
        if account.pendingUntil != nil { return world.shouldFail(0.3) ? nil : result(2) }
        if account.executed > 0 { return account.visibleFrom > world.elapsed ? nil : result(1) }
        return account.hasFailed ? result(0) : nil
    }

    /// An answer about another recharge, or without a result; `nil` if this answer is to be correct.
    private func misleading(_ reference: String, at destination: String) -> RawAnswer? {
        guard world.chance(world.conditions.misleads) else { return nil }
        let truth = finding(reference, at: destination)
        let account = account(reference, at: destination)
        var result = EnquiryResult(
            status: world.pick([0, 1, 1]), refid: world.conditions.refid(reference), subscriber: account?.subscriber ?? "c",
            amount: account?.amount ?? "1")
        switch world.number(0...5) {
        case 0:
            guard world.conditions.shape == .full else { return nil }
            (result.subscriber, result.refid) = ("9999", world.conditions.hasOwnNumbers ? "799999" : "r999")
        case 1:
            guard world.conditions.shape != .bare else { return nil }
            result.amount += "0"
        case 2:
            guard world.conditions.shape == .full else { return nil }
            result.subscriber = "9999"
        case 3:
            guard world.conditions.shape != .bare, !world.conditions.hasOwnNumbers else { return nil }
            result.refid = "r999"
        case 4:
            // Only for a recharge that BOS has not executed: about an executed one its words would contradict the empty data.
            guard truth == nil, account?.executed ?? 0 == 0 else { return nil }
            return foundNothing(data: world.conditions.shape == .bare ? world.pick(["{}", "[]"]) : world.pick(["{}", "[]", nil]))
        default:
            guard world.conditions.shape != .bare else { return nil }
            return found(result, code: world.pick([0, 2]))
        }
        return found(result)
    }

    private func trouble() -> CallResult {
        switch world.number(0...3) {
        case 0: .lost
        case 1: .notSent
        case 2: .answer(RawAnswer(429, ""))
        default: .answer(credentialsRefused)
        }
    }

    private func answer(_ reference: String, with answer: RawAnswer, note: String) -> CallResult {
        world.note("enquiry \(reference): \(note): \(answer.httpStatus) \(String(decoding: answer.body, as: UTF8.self))")
        return .answer(answer)
    }

    // MARK: Status

    func panStatus(_ reference: String) async -> CallResult {
        await world.sleep(Int64(world.number(1...400)))
        if let outage = world.conditions.outage(at: world.elapsed) { return .answer(answer(during: outage)) }
        if world.shouldFail(world.faultRates.bosTrouble / 2) { return trouble() }
        if world.shouldFail(world.faultRates.bosTrouble / 10) {
            return .answer(RawAnswer(world.pick([200, 401]), #"{"status":false,"message":"Service unavailable, try later"}"#))
        }
        let decision = PANDecision(reference)
        let isDecided = world.elapsed >= decision.at
        let words = !isDecided ? Self.openWords : decision.isRejected ? Self.rejectedWords : Self.completedWords
        return answer(reference, with: Self.pan(world.pick(words)), note: isDecided ? "decided" : "not decided")
    }

    private static let rejectedWords = ["Application has been rejected by NSDL eGOV"]
    private static let completedWords = ["PAN has been allotted", "Your PAN has been allotted, your PAN card is under process"]

    /// None of these texts says that an application has ended.
    private static let openWords = [
        "Application is under process at NSDL eGOV", "Application is under process", "Objection raised, documents awaited",
        "Marked for clarification", "Unable to fetch status, please try later", "Your PAN card will be dispatched",
        "Application is in process, it has been allotted to an officer",
    ]

    private static func pan(_ message: String) -> RawAnswer {
        RawAnswer(200, #"{"status":true,"response_code":1,"message":"\#(message)"}"#)
    }
}

/// When and how a PAN application is decided. It follows from the application's reference, so that BOS needs no record of it.
struct PANDecision {
    /// Milliseconds since the start; `Int64.max` for an endless application.
    let at: Int64
    let isRejected: Bool
    /// The application is never decided. The job about it expires.
    let isEndless: Bool

    init(_ reference: String) {
        let number = reference.utf8.reduce(UInt64(7)) { ($0 &* 31) &+ UInt64($1) }
        isEndless = number % 7 == 0
        isRejected = number % 3 == 0
        at = isEndless ? .max : Int64(number % 1_200_000)
    }
}
