package import JobModel

/// The calls of the BOS API, each of them one attempt. ``BOSClient`` makes them over HTTP; a simulation brings its own BOS.
package protocol BOSCalls: Sendable {
    func recharge(
        _ recharge: Recharge, traceparent: String?, timeout: Duration?, isTimely: @escaping @Sendable () -> Bool
    ) async -> Attempt<RechargeAnswer>
    func enquire(reference: String, registerID: String, traceparent: String?, timeout: Duration?) async -> Attempt<EnquiryAnswer>
    func panStatus(_ query: PANStatusQuery, traceparent: String?, timeout: Duration?) async -> Attempt<PANAnswer>
    /// Gets newer credentials than those that were refused. `true` if there are some.
    func renewCredentials(refused: CredentialVersion) async -> Bool
}

extension BOSClient: BOSCalls {}

/// Reads answers that came over another way than HTTP as the client reads its own.
package struct AnswerReader: Sendable {
    private let classifier: AnswerClassifier

    package init(_ configuration: BOSConfiguration) { classifier = AnswerClassifier(configuration: configuration) }

    package func recharge(_ answer: RawAnswer, to recharge: Recharge) -> Attempt<RechargeAnswer> {
        classifier.recharge(answer.read, to: recharge, version: RawAnswer.version)
    }

    package func enquiry(_ answer: RawAnswer) -> Attempt<EnquiryAnswer> { classifier.enquiry(answer.read, version: RawAnswer.version) }

    package func panStatus(_ answer: RawAnswer) -> Attempt<PANAnswer> { classifier.panStatus(answer.read, version: RawAnswer.version) }
}

/// An HTTP answer as it came.
package struct RawAnswer: Sendable {
    package var httpStatus: Int
    package var retryAfter: Duration?
    /// Whether a `WWW-Authenticate` header says that the token is not valid.
    package var refusesToken: Bool
    package var body: [UInt8]

    package init(_ httpStatus: Int, retryAfter: Duration? = nil, refusesToken: Bool = false, _ body: String) {
        self.httpStatus = httpStatus
        self.retryAfter = retryAfter
        self.refusesToken = refusesToken
        self.body = Array(body.utf8)
    }

    /// Without a token there is one version of the credentials.
    fileprivate static let version = CredentialVersion(0)

    fileprivate var read: ReadAnswer { ReadAnswer(httpStatus: httpStatus, retryAfter: retryAfter, refusesToken: refusesToken, body: body) }
}
