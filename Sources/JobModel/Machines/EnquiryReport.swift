/// An answer to an enquiry, together with what is known about the enquiry that gave it.
package struct EnquiryReport: Sendable, Equatable {
    package var finding: RechargeMachine.Finding
    package var answer: Answer
    /// Which recharge the answer names.
    package var subject: Subject
    package var calibration: Calibration

    package init(
        _ finding: RechargeMachine.Finding, answer: Answer, subject: Subject = Subject(), calibration: Calibration = .untried
    ) {
        self.finding = finding
        self.answer = answer
        self.subject = subject
        self.calibration = calibration
    }

    /// Whether the finding is evidence about the recharge (``RechargeMachine/Finding/weighed(about:against:names:calibration:)``).
    func weighed(against recharge: Recharge?, names: [String]) -> WeighedFinding {
        finding.weighed(about: subject, against: recharge, names: names, calibration: calibration)
    }
}

/// An enquiry's finding after a comparison with the recharge.
package enum WeighedFinding: Sendable, Equatable {
    case usable(RechargeMachine.Finding)
    /// The answer is no evidence about this recharge. The reason is one clause for people, without a subscriber number.
    case unusable(String)
}

extension RechargeMachine.Finding {
    /// Compares the answer with the recharge.
    /// - Parameters:
    ///   - subject: which recharge the answer names.
    ///   - recharge: the recharge that the enquiry was about; `nil` if this ledger does not have it.
    ///   - names: the names of the recharge at BOS.
    package func weighed(
        about subject: Subject, against recharge: Recharge?, names: [String], calibration: Calibration
    ) -> WeighedFinding {
        switch self {
        case .notFound, .declined: return .usable(self)
        case .succeeded, .failed, .pending: break
        }
        let contradiction =
            recharge.flatMap(subject.contradiction(to:)) ?? subject.contradiction(toNames: names, calibration: calibration)
        if let contradiction { return .unusable("the answer is about another recharge: \(contradiction)") }
        if calibration.showsData, !subject.hasData {
            return .unusable("this API's enquiry shows data, and this answer has none")
        }
        switch calibration {
        case .passed: return .usable(self)
        case .untried, .blind, .credulous:
            let isNamed = calibration == .credulous ? subject.subscriber != nil : subject.namesRecharge
            guard self != .pending, !isNamed else { return .usable(self) }
            return .unusable("\(calibration.explanation), and this answer names no recharge")
        }
    }

    /// Whether the finding says how the recharge ended.
    var isVerdict: Bool {
        switch self {
        case .succeeded, .failed: true
        case .pending, .notFound, .declined: false
        }
    }
}

/// How BOS's answer to an enquiry relates to the decision of an operator who is about to resolve a doubt.
package enum Corroboration: Sendable, Equatable {
    /// BOS says the same as the operator.
    case confirmed
    /// BOS's answer is not evidence for either side: the decision rests on the operator alone.
    case open
    /// BOS says the opposite.
    case contradicted

    /// One "not found" is no evidence: only several over the not-found window are, and the worker collects those itself. A recharge that is
    /// pending at BOS may still be executed, so resolving it as failed would be wrong.
    /// - Parameters:
    ///   - claimsSuccess: the operator says that the recharge succeeded, not that it failed.
    ///   - finding: what BOS says.
    package init(claimsSuccess: Bool, finding: RechargeMachine.Finding) {
        self =
            switch finding {
            case .succeeded: claimsSuccess ? .confirmed : .contradicted
            case .failed: claimsSuccess ? .contradicted : .confirmed
            case .pending: claimsSuccess ? .open : .contradicted
            case .notFound, .declined: .open
            }
    }
}
