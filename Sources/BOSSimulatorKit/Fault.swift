/// What can go wrong with BOS. The raw value is the name on the command line and in plan files.
package enum Fault: String, Sendable, CaseIterable, Codable {
    // MARK: Faults of one call: at most one of them is drawn for each call.

    /// Status false with a business code (`value`: the code, 7 by default); nothing is executed.
    case refuse
    /// HTTP 401, code 16; nothing is executed.
    case authentication
    /// HTTP 412, code 15; nothing is executed.
    case signature
    /// HTTP 429 with `Retry-After` (`value`: seconds, 1 by default); nothing is executed.
    case tooMany
    /// HTTP 500 with a page for people; nothing is executed.
    case serverError
    /// Executes, then answers 200 with bytes that are no JSON.
    case garbage
    /// Resets the connection; nothing is executed.
    case resetBefore
    /// Executes, then resets the connection instead of answering.
    case resetAfter
    /// Executes, then holds the connection without an answer (`value`: seconds until it is closed; until the caller goes if absent).
    case answerLost
    /// Never answers; nothing is executed.
    case hang
    /// Never answers, but executes `value` seconds later (5 by default) although the caller may have gone.
    case late

    // MARK: Fates of a reference: drawn once, each for itself, and beside any fault of a call.

    /// For `value` seconds after it was executed (5 by default) an enquiry does not know the recharge.
    case blindEnquiry
    /// The recharge is answered as pending, also to enquiries, and is done `value` seconds later (5 by default).
    case pendingThenDone
    /// The PAN application is under process for its first `value` checks (3 by default).
    case panPending
    /// The PAN application is rejected once it is no longer under process.
    case panRejected

    /// True for what is drawn once for a reference, false for what is drawn for each call.
    var isFate: Bool {
        switch self {
        case .blindEnquiry, .pendingThenDone, .panPending, .panRejected: true
        case .refuse, .authentication, .signature, .tooMany, .serverError, .garbage, .resetBefore, .resetAfter, .answerLost, .hang, .late:
            false
        }
    }

    /// The value when the plan gives none; `nil` where none is needed.
    var defaultValue: Double? {
        switch self {
        case .refuse: 7
        case .tooMany: 1
        case .late, .blindEnquiry, .pendingThenDone: 5
        case .panPending: 3
        case .authentication, .signature, .serverError, .garbage, .resetBefore, .resetAfter, .answerLost, .hang, .panRejected: nil
        }
    }
}
