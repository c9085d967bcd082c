internal import ExactJSON

/// BOS as a value: it takes a call and the time, and returns what is to happen on the wire.
///
/// It has no clock and does no I/O, so that every fault can be tested without waiting.
struct SimulatedBOS: Sendable {
    /// What is to happen on the connection.
    enum Effect: Sendable, Equatable {
        case reply(SimulatorReply)
        /// Close the connection with a TCP reset.
        case reset
        /// Send nothing, and close the connection after this time; `nil`: when the caller closes it.
        case hold(closeAfter: Duration?)
    }

    /// The form of answers, and what enquiries find. It does not depend on the fault plan.
    struct Configuration: Sendable {
        var form = ReplyForm()
        var enquiryNames = EnquiryNames.referenceid
        /// Whether no enquiry ever finds a recharge.
        var isBlind = false
    }

    var tokens: TokenIssuer
    private(set) var plan: FaultPlan
    private let configuration: Configuration
    /// When the plan was set.
    private var planSince = Duration.zero
    private var books = Books()
    /// Recharges that are to be executed late, even if their callers have closed the connection.
    private var executedLater: [RechargeRecord] = []

    init(plan: FaultPlan, tokens: TokenIssuer, configuration: Configuration = Configuration()) {
        self.plan = plan
        self.tokens = tokens
        self.configuration = configuration
    }

    /// Replaces the fault plan.
    mutating func follow(_ plan: FaultPlan, at now: Duration) {
        self.plan = plan
        planSince = now
    }

    /// The books at that time, late executions included.
    mutating func books(at now: Duration) -> Books {
        executeDue(at: now)
        return books
    }

    /// Forgets every reference, call and issued token. The plan stays.
    mutating func reset() {
        books = Books()
        executedLater = []
        tokens.revokeAll()
    }

    /// Answers one call.
    /// - Parameters:
    ///   - caller: the caller's credentials from the headers.
    ///   - now: the time since the start.
    /// - Returns: what is to happen, and how long to wait before it.
    mutating func answer(_ endpoint: BOSEndpoint, body: [UInt8], caller: Caller, at now: Duration) -> (Effect, delay: Duration) {
        executeDue(at: now)
        books.called(endpoint)
        if endpoint != .authorise, !tokens.accepts(caller.token, at: now) { return (.reply(.authenticationFailed), .zero) }
        let request = (try? JSONValue.parse(body)) ?? .null
        switch endpoint {
        case .doRecharge: return recharge(request, at: now)
        case .rechargesStatus: return enquiry(request, at: now)
        case .status: return panStatus(request, at: now)
        case .authorise: return authorise(caller, at: now)
        }
    }

    private mutating func recharge(_ request: JSONValue, at now: Duration) -> (Effect, delay: Duration) {
        guard let reference = request["referenceid"]?.text, !reference.isEmpty, let subscriber = request["canumber"]?.text,
            !subscriber.isEmpty,
            let operatorID = request["operator"]?.text, let paise = request["amount"]?.text.flatMap(RechargeRecord.paise)
        else { return (.reply(.invalidRequest), .zero) }
        let number = books.called(reference)
        let delay = plan.delay(of: .doRecharge, reference: reference, number: number)
        let rule = plan.fault(
            of: .doRecharge, merchant: request["RegisterID"]?.text, reference: reference, number: number, age: now - planSince)
        var record = RechargeRecord(
            reference: reference, number: books.number(reference), operatorID: operatorID, subscriber: subscriber, paise: paise)
        record.schedule(at: now, plan)
        enterUsedBefore(reference)
        return (recharge(record, rule: rule, at: now), delay)
    }

    private mutating func recharge(_ record: RechargeRecord, rule: FaultRule?, at now: Duration) -> Effect {
        switch rule?.fault {
        case .late:
            var later = record
            later.schedule(at: now + .seconds(rule?.number ?? 0), plan)
            executedLater.append(later)
            return .hold(closeAfter: nil)
        case .refuse:
            // BOS looks for a duplicate before it calls the mobile operator.
            guard books.entries[record.reference]?.record == nil else { return .reply(configuration.form.duplicate) }
            books.refuse(record)
        case .unrecorded:
            if books.entries[record.reference]?.record == nil { books.executeUnrecorded(record) }
            return .hold(closeAfter: rule?.value.map { .seconds($0) })
        default: break
        }
        if let effect = rule?.effectBefore { return effect }
        let isNew = books.execute(record)
        if let effect = rule?.effectAfter { return effect }
        if rule?.fault == .accepted { return .reply(configuration.form.accepted(record, code: rule?.code ?? 0)) }
        guard isNew else { return .reply(spoiled(configuration.form.duplicate, by: rule)) }
        return .reply(spoiled(now < record.doneFrom ? configuration.form.pending(record) : configuration.form.recharged(record), by: rule))
    }

    private mutating func enquiry(_ request: JSONValue, at now: Duration) -> (Effect, delay: Duration) {
        guard let name = (request["referenceid"] ?? request["ReferenceId"])?.text else { return (.reply(.invalidRequest), .zero) }
        let reference = reference(named: name)
        let number = books.enquired(reference ?? name)
        if let reference { enterUsedBefore(reference) }
        let merchant = (request["registrationID"] ?? request["RegistrationID"])?.text
        return respond(to: .rechargesStatus, merchant: merchant, reference: reference ?? name, number: number, at: now) { bos, rule in
            bos.finding(reference, rule: rule, at: now)
        }
    }

    /// The reference that an enquiry means by a name; `nil` if BOS knows no recharge by that name.
    private func reference(named name: String) -> String? {
        switch configuration.enquiryNames {
        case .referenceid: name
        case .refid: books.reference(number: name)
        case .both: books.reference(number: name) ?? name
        }
    }

    private func finding(_ reference: String?, rule: FaultRule?, at now: Duration) -> SimulatorReply {
        let form = configuration.form
        switch rule?.fault {
        case .otherRecharge: return form.found(.other, as: .succeeded)
        case .emptyData: return form.foundNothing(data: .object([]))
        case .emptyList: return form.foundNothing(data: .array([]))
        default: break
        }
        guard let reference, let entry = books.entries[reference], !configuration.isBlind, plan.fate(.neverFound, of: reference) == nil,
            var record = entry.record ?? entry.refused, now >= record.knownFrom
        else { return form.notFound }
        let status: ReplyForm.Status = entry.record == nil ? .failed : now < record.doneFrom ? .pending : .succeeded
        switch rule?.fault {
        case .otherRefid: return form.found(record, as: status, refid: form.refid(.other))
        case .otherAmount: record.paise *= 10
        case .otherSubscriber: record.subscriber = RechargeRecord.other.subscriber
        case .contradiction: return form.found(record, as: status, code: rule?.code)
        case .noData: return form.foundNothing(data: nil)
        case .accepted: return form.accepted(record, code: rule?.code ?? 0)
        default: break
        }
        return form.found(record, as: status)
    }

    private mutating func panStatus(_ request: JSONValue, at now: Duration) -> (Effect, delay: Duration) {
        guard let application = request["refid"]?.text, !application.isEmpty else { return (.reply(.invalidRequest), .zero) }
        let number = books.checked(application)
        return respond(to: .status, reference: application, number: number, at: now) { bos, rule in
            switch rule?.fault {
            case .panWords: return .panAnswer(Fault.openPANTexts[(rule?.code ?? 1) - 1])
            case .panRefusal: return .panRefusal
            case .panDuplicate: return .panDuplicate
            default: break
            }
            if let checks = bos.plan.fate(.panPending, of: application), Double(number) <= checks { return .panPending }
            return bos.plan.fate(.panRejected, of: application) == nil ? .panCompleted : .panRejected
        }
    }

    private mutating func authorise(_ caller: Caller, at now: Duration) -> (Effect, delay: Duration) {
        guard tokens.mayAuthorise(caller) else { return (.reply(.authorisationRefused), .zero) }
        tokens.requests += 1
        let number = tokens.requests
        return respond(to: .authorise, reference: "", number: number, at: now) { bos, _ in
            let (token, expires) = bos.tokens.issue(at: now)
            return .authorised(token: token, expires: expires)
        }
    }

    private mutating func respond(
        to endpoint: BOSEndpoint, merchant: String? = nil, reference: String, number: Int, at now: Duration,
        _ answer: (inout SimulatedBOS, FaultRule?) -> SimulatorReply
    ) -> (Effect, delay: Duration) {
        let delay = plan.delay(of: endpoint, reference: reference, number: number)
        let rule = plan.fault(of: endpoint, merchant: merchant, reference: reference, number: number, age: now - planSince)
        if let effect = rule?.effectBefore { return (effect, delay) }
        let reply = answer(&self, rule)
        return (rule?.effectAfter ?? .reply(spoiled(reply, by: rule)), delay)
    }

    private func spoiled(_ reply: SimulatorReply, by rule: FaultRule?) -> SimulatorReply {
        switch rule?.fault {
        case .byteOrderMark: reply.withByteOrderMark
        case .controlBytes: reply.withControlBytes
        case .phpNotice: reply.withPHPNotice
        case .twice: reply.writtenTwice
        default: reply
        }
    }

    /// Enters the recharge of another system, if that is the fate of this reference.
    private mutating func enterUsedBefore(_ reference: String) {
        guard books.entries[reference]?.record == nil, plan.fate(.usedBefore, of: reference) != nil else { return }
        books.enter(usedBefore: .usedBefore(reference, number: books.number(reference)))
    }

    /// Executes the late recharges that are due. Every call and every look at the books does this first, so that no timer is needed.
    private mutating func executeDue(at now: Duration) {
        guard !executedLater.isEmpty else { return }
        for record in executedLater.filter({ $0.executedAt <= now }).sorted(by: { $0.executedAt < $1.executedAt }) {
            if !books.execute(record) { books.repeatedLate() }
        }
        executedLater.removeAll { $0.executedAt <= now }
    }
}

extension RechargeRecord {
    /// Sets the times of the record for an execution at `time`, with the fates of its reference.
    fileprivate mutating func schedule(at time: Duration, _ plan: FaultPlan) {
        executedAt = time
        knownFrom = time + .seconds(plan.fate(.blindEnquiry, of: reference) ?? 0)
        doneFrom = time + .seconds(plan.fate(.pendingThenDone, of: reference) ?? 0)
    }
}

extension FaultRule {
    var number: Double { value ?? fault.defaultValue ?? 0 }
    fileprivate var code: Int { Int(number) }

    /// What happens instead of the execution; `nil` if BOS executes the call.
    fileprivate var effectBefore: SimulatedBOS.Effect? {
        switch fault {
        case .refuse: .reply(.refused(code: code))
        case .authentication: .reply(.authenticationFailed)
        case .unauthorised: .reply(.unauthorised)
        case .signature: .reply(.signatureRefused)
        case .emptyWallet: .reply(.emptyWallet)
        case .maintenance: .reply(.maintenance)
        case .tooMany: .reply(.tooMany(retryAfter: code))
        case .unavailable: .reply(.unavailable(retryAfter: code))
        case .serverError: .reply(.serverError)
        case .resetBefore: .reset
        case .hang, .late: .hold(closeAfter: nil)
        default: nil
        }
    }

    /// What happens instead of the answer, after the execution; `nil` if BOS answers.
    fileprivate var effectAfter: SimulatedBOS.Effect? {
        switch fault {
        case .undecided: .reply(.undecided(code: code))
        case .garbage: .reply(.garbage)
        case .resetAfter: .reset
        case .answerLost: .hold(closeAfter: value.map { .seconds($0) })
        default: nil
        }
    }
}
