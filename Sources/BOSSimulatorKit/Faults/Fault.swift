/// What can go wrong with BOS. The raw value is the name on the command line and in plan files; ``row`` says what each one does.
package enum Fault: String, Sendable, CaseIterable, Codable {
    // MARK: Faults of one call: at most one of them is drawn for each call.

    case refuse, authentication, unauthorised, signature, emptyWallet, maintenance, tooMany, unavailable, serverError, resetBefore, hang,
        late
    case accepted, undecided, garbage, resetAfter, answerLost, unrecorded
    case byteOrderMark, controlBytes, phpNotice, twice
    case otherRecharge, otherRefid, otherAmount, otherSubscriber, contradiction, emptyData, emptyList, noData
    case panWords, panRefusal, panDuplicate

    // MARK: Fates of a reference: drawn once, each for itself, and beside any fault of a call.

    case blindEnquiry, neverFound, usedBefore, pendingThenDone, panPending, panRejected

    /// True for what is drawn once for a reference, false for what is drawn for each call.
    var isFate: Bool { row.kind == .fate }

    /// The calls that can have the fault.
    var endpoints: [Endpoint] { row.endpoints }

    /// The value when the plan gives none; `nil` where none is needed.
    var defaultValue: Double? { row.defaultValue }
}
