import BOSClient
import JobEngine
import JobModel

/// One process's calls to BOS. The rules of the real client read the bytes that the model answers.
struct ModelBOSCalls: BOSCalls {
    let bos: ModelBOS
    let destination: String
    let audit: Audit
    let isAlive: @Sendable () -> Bool

    private static let reader: AnswerReader = {
        var configuration = BOSConfiguration()
        configuration.codes.finalRefusals = [3]
        return AnswerReader(configuration)
    }()

    func recharge(
        _ recharge: Recharge, traceparent: String?, timeout: Duration?, isTimely: @escaping @Sendable () -> Bool
    ) async -> Attempt<RechargeAnswer> {
        guard isTimely() else { return .notSent(.late, detail: "too late") }
        if isAlive() { audit.sent(recharge.reference, at: bos.world.elapsed) }
        let outcome = await bos.recharge(.init(recharge: recharge, destination: destination), isAlive: isAlive)
        let attempt = self.attempt(from: outcome) { Self.reader.recharge($0, to: recharge) }
        guard bos.world.bug == .foreignAnswerBelieved, case .answer(let raw) = outcome else { return attempt }
        // Without `refid` the answer names no recharge.
        let text = String(decoding: raw.body, as: UTF8.self)
        return Self.reader.recharge(RawAnswer(raw.httpStatus, body: text.replacing(#""refid":"r999","#, with: "")), to: recharge)
    }

    func enquire(reference: String, registerID: String, traceparent: String?, timeout: Duration?) async -> Attempt<EnquiryAnswer> {
        let outcome = await bos.enquire(reference, registerID: registerID, at: destination)
        guard case .answer(let raw) = outcome, let bug = bos.world.bug else { return attempt(from: outcome) { Self.reader.enquiry($0) } }
        let text = String(decoding: raw.body, as: UTF8.self)
        switch bug {
        case .emptyDataBelieved where text.hasSuffix(#""data":{}}"#) || text.hasSuffix(#""data":[]}"#):
            let done = ModelBOS.EnquiryResult(status: 1, refid: reference, subscriber: "c", amount: "1")
            guard case .answered(var answer) = Self.reader.enquiry(bos.found(done)) else { return Self.reader.enquiry(raw) }
            answer.subject = Subject(reference: reference, hasData: answer.subject.hasData)
            return .answered(answer)
        case .contradictionBelieved:
            let consistent = text.replacing(#"code":0"#, with: #"code":1"#).replacing(#"code":2"#, with: #"code":1"#)
            return Self.reader.enquiry(RawAnswer(raw.httpStatus, body: consistent))
        default: return Self.reader.enquiry(raw)
        }
    }

    func panStatus(_ query: PANStatusQuery, traceparent: String?, timeout: Duration?) async -> Attempt<PANAnswer> {
        attempt(from: await bos.panStatus(query.reference)) { Self.reader.panStatus($0) }
    }

    func renewCredentials(refused: CredentialVersion) async -> Bool { true }

    private func attempt<Answer>(from result: ModelBOS.CallResult, read: (RawAnswer) -> Attempt<Answer>) -> Attempt<Answer> {
        switch result {
        case .answer(let answer): read(answer)
        case .notSent: .notSent(.connectFailed, detail: "connection refused")
        case .lost: .unknown(.timeout, detail: "no answer", nil)
        }
    }
}
