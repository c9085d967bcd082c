/// The calls of BOS. The raw value is the name in paths, in the fault plan and in the books.
package enum BOSEndpoint: String, Sendable, CaseIterable, Codable {
    case doRecharge = "DoRecharge"
    case rechargesStatus = "RechargesStatus"
    case status = "Status"
    case authorise = "authorize"
}

/// What can go wrong at BOS. The raw value is the name on the command line and in fault plans; ``row`` says what each fault does.
package enum Fault: String, Sendable, CaseIterable, Codable {
    // MARK: Faults of a call. At most one of them is drawn for each call.

    case refuse, authentication, unauthorised, signature, emptyWallet, maintenance, tooMany, unavailable, serverError, resetBefore, hang,
        late
    case accepted, undecided, garbage, resetAfter, answerLost, unrecorded
    case byteOrderMark, controlBytes, phpNotice, twice
    case otherRecharge, otherRefid, otherAmount, otherSubscriber, contradiction, emptyData, emptyList, noData
    case panWords, panRefusal, panDuplicate

    // MARK: Fates of a reference. Each is drawn once for each reference, independently of the other fates and of the faults of calls.

    case blindEnquiry, neverFound, usedBefore, pendingThenDone, panPending, panRejected

    /// Whether the fault is drawn once for each reference, and not for each call.
    var isFate: Bool { row.kind == .fate }

    /// The calls that can have the fault.
    var endpoints: [BOSEndpoint] { row.endpoints }

    /// The value if the plan gives none; `nil` if the fault needs none.
    var defaultValue: Double? { row.defaultValue }
}

extension Fault {
    /// What a fault does. The simulator, its help and Tests/README.md#the-stand-in-for-bos all take it from here.
    struct Row: Sendable {
        enum Kind: Sendable { case call, fate }

        var kind = Kind.call
        var endpoints = BOSEndpoint.allCases
        /// The name of the value in the help; `nil` if the fault has no value.
        var valueName: String?
        var defaultValue: Double?
        /// One sentence in Markdown.
        var summary: String
    }

    /// The texts of ``panWords``. None of them says that the application has ended.
    static let openPANTexts = [
        "Objection raised, documents awaited", "Application is in process", "Marked for clarification",
        "Unable to fetch status, please try later", "Application is in process, it has been allotted to an officer",
        "Your PAN card will be dispatched",
    ]

    private static let about: [BOSEndpoint] = [.rechargesStatus]
    private static let recharges: [BOSEndpoint] = [.doRecharge]
    private static let money: [BOSEndpoint] = [.doRecharge, .rechargesStatus]
    private static let pan: [BOSEndpoint] = [.status]

    private static func value(
        _ name: String, default value: Double? = nil, of endpoints: [BOSEndpoint] = BOSEndpoint.allCases, does summary: String
    ) -> Row {
        Row(endpoints: endpoints, valueName: name, defaultValue: value, summary: summary)
    }

    private static func call(of endpoints: [BOSEndpoint] = BOSEndpoint.allCases, does summary: String) -> Row {
        Row(endpoints: endpoints, summary: summary)
    }

    private static func fate(
        _ name: String? = nil, default value: Double? = nil, of endpoints: [BOSEndpoint], does summary: String
    ) -> Row {
        Row(kind: .fate, endpoints: endpoints, valueName: name, defaultValue: value, summary: summary)
    }

    var row: Row {
        switch self {
        case .refuse: Self.value("CODE", default: 7, does: "status false with that code; nothing is executed")
        case .authentication: Self.call(does: "HTTP 401 with code 16; nothing is executed")
        case .unauthorised: Self.call(does: "HTTP 401 without a code, with a `WWW-Authenticate` header; nothing is executed")
        case .signature: Self.call(does: "HTTP 412 with code 15; nothing is executed")
        case .emptyWallet:
            Self.value(
                "SECONDS",
                does:
                    "HTTP 402 with code 16, \"Insufficient fund in your account\", for this time after the plan was set; nothing is executed"
            )
        case .maintenance:
            Self.value(
                "SECONDS",
                does: "status false with code 6, \"Service under maintenance\", for this time after the plan was set; nothing is executed")
        case .tooMany: Self.value("SECONDS", default: 1, does: "HTTP 429 with that `Retry-After`; nothing is executed")
        case .unavailable: Self.value("SECONDS", default: 1, does: "HTTP 503 with that `Retry-After`; nothing is executed")
        case .serverError: Self.call(does: "HTTP 500 with an HTML page; nothing is executed")
        case .resetBefore: Self.call(does: "the connection is reset; nothing is executed")
        case .hang: Self.call(does: "no answer; nothing is executed")
        case .late:
            Self.value(
                "SECONDS", default: 5, of: Self.recharges,
                does: "no answer; executed after this time, even if the caller has closed the connection")
        case .accepted: Self.value("CODE", default: 0, of: Self.money, does: "HTTP 202 with that code; executed")
        case .undecided:
            Self.value("CODE", default: 12, of: Self.money, does: "status false with that code, \"Transaction status unknown\"; executed")
        case .garbage: Self.call(does: "HTTP 200 with half an answer; executed")
        case .resetAfter: Self.call(does: "executed, then the connection is reset")
        case .answerLost: Self.value("SECONDS", does: "executed, then no answer; the connection is closed after this time")
        case .unrecorded:
            Self.value(
                "SECONDS", of: Self.recharges,
                does: "as `answerLost`, but BOS keeps no record: no enquiry finds the recharge, and a repeat is executed again")
        case .byteOrderMark: Self.call(does: "a byte order mark before the JSON")
        case .controlBytes: Self.call(does: "a control byte and a byte that is not valid UTF-8 inside `message`")
        case .phpNotice: Self.call(does: "a PHP notice before the JSON")
        case .twice: Self.call(does: "the same answer twice on one connection")
        case .otherRecharge: Self.call(of: Self.about, does: "the answer is about another recharge, which was executed")
        case .otherRefid: Self.call(of: Self.about, does: "`data.refid` names another recharge; the other fields are right")
        case .otherAmount: Self.call(of: Self.about, does: "`data.amount` is ten times the recharge's")
        case .otherSubscriber: Self.call(of: Self.about, does: "`data.canumber` is another subscriber's")
        case .contradiction:
            Self.value(
                "CODE", default: 0, of: Self.about, does: "that code, which means \"not finished\", beside the `data` of the recharge")
        case .emptyData: Self.call(of: Self.about, does: "status true with code 1 and `\"data\":{}`")
        case .emptyList: Self.call(of: Self.about, does: "status true with code 1 and `\"data\":[]`")
        case .noData: Self.call(of: Self.about, does: "status true with code 1 and no `data`")
        case .panWords:
            Self.value(
                "NUMBER", default: 1, of: Self.pan,
                does: "status true with code 1 and a text that does not say how the application ended: "
                    + Self.openPANTexts.enumerated().map { "\($0 + 1) \"\($1)\"" }.joined(separator: ", "))
        case .panRefusal: Self.call(of: Self.pan, does: "status false without a code, \"Service unavailable, try later\"")
        case .panDuplicate: Self.call(of: Self.pan, does: "HTTP 401, status \"Failed\", \"Duplicate RefID\"")
        case .blindEnquiry:
            Self.fate("SECONDS", default: 5, of: Self.about, does: "no enquiry finds the recharge for this time after its execution")
        case .neverFound: Self.fate(of: Self.about, does: "no enquiry ever finds the recharge, executed or not")
        case .usedBefore:
            Self.fate(
                of: Self.money,
                does: "the reference was used before for another subscriber and amount: code 11, and enquiries find that recharge")
        case .pendingThenDone:
            Self.fate("SECONDS", default: 5, of: Self.money, does: "pending for this time, in enquiries too, and then executed")
        case .panPending:
            Self.fate("CHECKS", default: 3, of: Self.pan, does: "under process for this number of checks of the application")
        case .panRejected: Self.fate(of: Self.pan, does: "rejected when it is no longer under process")
        }
    }
}

extension Fault {
    /// One line for each fault or fate, for `bos-simulator serve --help`.
    package static func help(ofFates: Bool) -> String {
        allCases.filter { $0.isFate == ofFates }.map { "\($0.spelling): \($0.row.summary.filter { $0 != "`" }).\($0.place)" }.joined(
            separator: "\n")
    }

    /// The table of Tests/README.md#the-stand-in-for-bos.
    package static var table: String {
        (["| fault | endpoints | what BOS does |", "|---|---|---|"]
            + allCases.map { fault in
                let endpoints =
                    fault.endpoints == BOSEndpoint.allCases ? "all" : fault.endpoints.map { "`\($0.rawValue)`" }.joined(separator: ", ")
                return "| `\(fault.spelling)` | \(endpoints) | \(fault.row.summary)\(fault.isFate ? " (a fate)" : "") |"
            }).joined(separator: "\n")
    }

    private var spelling: String {
        guard let name = row.valueName else { return rawValue }
        guard let value = defaultValue else { return "\(rawValue)[:\(name)]" }
        return "\(rawValue)[:\(name)=\(Int(value))]"
    }

    private var place: String { endpoints == BOSEndpoint.allCases ? "" : " (\(endpoints.map(\.rawValue).joined(separator: ", ")))" }
}
