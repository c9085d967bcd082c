internal import ExactJSON

/// BOS as a value: a call and the time go in, what is to happen on the wire comes out.
///
/// There is no clock and no I/O in here, so every fault can be tested without waiting for it.
struct SimulatedBOS: Sendable {
    /// What is to happen on the wire.
    enum Effect: Sendable, Equatable {
        case reply(SimulatorReply)
        /// Close with a TCP reset.
        case reset
        /// Say nothing; close after so long, or once the caller goes if `nil`.
        case hold(closeAfter: Duration?)
    }

    /// A recharge that is executed although its caller may have gone.
    private struct LateRecharge: Sendable {
        var due: Duration
        var reference: String
        var paise: Int64
    }

    var plan: FaultPlan
    var tokens: TokenDesk
    private var books = Books()
    private var late: [LateRecharge] = []

    init(plan: FaultPlan, tokens: TokenDesk) {
        self.plan = plan
        self.tokens = tokens
    }

    /// The books at that time, with what has been executed late by then.
    mutating func books(at now: Duration) -> Books {
        settle(at: now)
        return books
    }

    /// Forgets every reference, call and issued token; the plan stays.
    mutating func reset() {
        books = Books()
        late = []
        tokens.revokeAll()
    }

    /// Answers one call below the base path.
    /// - Parameters:
    ///   - caller: who the headers say is calling.
    ///   - now: the time since the start.
    mutating func answer(_ endpoint: Endpoint, body: [UInt8], caller: Caller, at now: Duration) -> (Effect, delay: Duration) {
        settle(at: now)
        books.called(endpoint)
        if endpoint != .authorize, !tokens.accepts(caller.token, at: now) { return (.reply(.authenticationFailed), .zero) }
        let request = (try? JSONValue.parse(body)) ?? .null
        switch endpoint {
        case .doRecharge: return recharge(request, at: now)
        case .rechargesStatus: return enquiry(request, at: now)
        case .status: return panStatus(request)
        case .authorize: return authorize(caller, at: now)
        }
    }

    private mutating func recharge(_ request: JSONValue, at now: Duration) -> (Effect, delay: Duration) {
        guard let reference = request["referenceid"]?.text, !reference.isEmpty, request["canumber"]?.text?.isEmpty == false,
            request["operator"]?.text != nil, let paise = request["amount"]?.text.flatMap(Paise.parse)
        else { return (.reply(.invalidRequest), .zero) }
        let number = books.called(reference)
        let delay = plan.delay(of: .doRecharge, reference: reference, number: number)
        let rule = plan.fault(of: .doRecharge, reference: reference, number: number)
        if let rule, rule.fault == .late {
            late.append(LateRecharge(due: now + .seconds(rule.number), reference: reference, paise: paise))
            return (.hold(closeAfter: nil), delay)
        }
        if rule?.fault == .refuse {
            // BOS looks for a duplicate before it asks the operator.
            if books.entries[reference]?.executed == 0 { books.refuse(reference) } else { return (.reply(.duplicate), delay) }
        }
        if let effect = rule?.effectBefore { return (effect, delay) }
        let isNew = execute(reference, paise: paise, at: now)
        if let effect = rule?.effectAfter { return (effect, delay) }
        guard isNew, let entry = books.entries[reference] else { return (.reply(.duplicate), delay) }
        return (.reply(now < entry.doneFrom ? .pending : .recharged(reference, paise: paise)), delay)
    }

    private mutating func enquiry(_ request: JSONValue, at now: Duration) -> (Effect, delay: Duration) {
        guard let reference = (request["referenceid"] ?? request["ReferenceId"])?.text else { return (.reply(.invalidRequest), .zero) }
        let number = books.enquired(reference)
        return respond(to: .rechargesStatus, reference: reference, number: number) { bos in
            guard let entry = bos.books.entries[reference] else { return .notFound }
            if entry.executed == 0 { return entry.wasRefused ? .failed(reference) : .notFound }
            if now < entry.knownFrom { return .notFound }
            return now < entry.doneFrom ? .enquiryPending(reference) : .enquirySucceeded(reference, paise: entry.paise)
        }
    }

    private mutating func panStatus(_ request: JSONValue) -> (Effect, delay: Duration) {
        guard let application = request["refid"]?.text, !application.isEmpty else { return (.reply(.invalidRequest), .zero) }
        let number = books.checked(application)
        return respond(to: .status, reference: application, number: number) { bos in
            if let checks = bos.plan.fate(.panPending, of: application), Double(number) <= checks { return .panPending }
            return bos.plan.fate(.panRejected, of: application) == nil ? .panCompleted : .panRejected
        }
    }

    private mutating func authorize(_ caller: Caller, at now: Duration) -> (Effect, delay: Duration) {
        guard tokens.knows(caller) else { return (.reply(.authorizationRefused), .zero) }
        tokens.requests += 1
        let number = tokens.requests
        return respond(to: .authorize, reference: "", number: number) { bos in
            let (token, expires) = bos.tokens.issue(at: now)
            return .authorized(token: token, expires: expires)
        }
    }

    private mutating func respond(
        to endpoint: Endpoint, reference: String, number: Int, _ answer: (inout SimulatedBOS) -> SimulatorReply
    ) -> (Effect, delay: Duration) {
        let delay = plan.delay(of: endpoint, reference: reference, number: number)
        let rule = plan.fault(of: endpoint, reference: reference, number: number)
        if let effect = rule?.effectBefore { return (effect, delay) }
        let reply = answer(&self)
        return (rule?.effectAfter ?? .reply(reply), delay)
    }

    private mutating func execute(_ reference: String, paise: Int64, at time: Duration) -> Bool {
        books.execute(
            reference, paise: paise,
            knownFrom: time + .seconds(plan.fate(.blindEnquiry, of: reference) ?? 0),
            doneFrom: time + .seconds(plan.fate(.pendingThenDone, of: reference) ?? 0))
    }

    /// Executes what is due by now. Looking at the books and every call do this first, so no timer is needed.
    private mutating func settle(at now: Duration) {
        guard !late.isEmpty else { return }
        for recharge in late.filter({ $0.due <= now }).sorted(by: { $0.due < $1.due }) {
            if !execute(recharge.reference, paise: recharge.paise, at: recharge.due) { books.repeatedLate() }
        }
        late.removeAll { $0.due <= now }
    }
}

extension FaultRule {
    var number: Double { value ?? fault.defaultValue ?? 0 }

    /// What happens instead of executing.
    fileprivate var effectBefore: SimulatedBOS.Effect? {
        switch fault {
        case .refuse: .reply(.refused(code: Int(number)))
        case .authentication: .reply(.authenticationFailed)
        case .signature: .reply(.signatureRefused)
        case .tooMany: .reply(.tooMany(retryAfter: Int(number)))
        case .serverError: .reply(.serverError)
        case .resetBefore: .reset
        case .hang, .late: .hold(closeAfter: nil)
        case .garbage, .resetAfter, .answerLost, .blindEnquiry, .pendingThenDone, .panPending, .panRejected: nil
        }
    }

    /// What happens instead of the answer, after executing.
    fileprivate var effectAfter: SimulatedBOS.Effect? {
        switch fault {
        case .garbage: .reply(.garbage)
        case .resetAfter: .reset
        case .answerLost: .hold(closeAfter: value.map { .seconds($0) })
        case .refuse, .authentication, .signature, .tooMany, .serverError, .resetBefore, .hang, .late, .blindEnquiry, .pendingThenDone,
            .panPending, .panRejected:
            nil
        }
    }
}
