internal import ExactJSON

/// One HTTP answer of the simulated BOS, spelled as the provider's samples spell it (a number for `operatorid`, a string for `ackno`).
struct SimulatorReply: Sendable, Equatable {
    var httpStatus: Int
    var body: [UInt8]
    /// Seconds for the `Retry-After` header.
    var retryAfter: Int?

    private init(
        _ httpStatus: Int, status: JSONValue, code: Int?, codeName: String = "response_code", _ message: String,
        _ more: [JSONValue.Member] = []
    ) {
        var members: [JSONValue.Member] = [.init("status", status)]
        if let code { members.append(.init(codeName, .number("\(code)"))) }
        self.httpStatus = httpStatus
        body = JSONValue.object(members + more + [.init("message", .string(message))]).encoded
    }

    private init(_ httpStatus: Int, text: String) {
        self.httpStatus = httpStatus
        body = Array(text.utf8)
    }

    // MARK: All calls

    static let authenticationFailed = SimulatorReply(401, status: .bool(false), code: 16, "Authentication failed")
    static let signatureRefused = SimulatorReply(412, status: .bool(false), code: 15, "Invalid signature encoding")
    static let invalidRequest = SimulatorReply(
        400, status: .bool(false), code: 4, "Invalid request: a field is missing or not what it should be")
    static let serverError = SimulatorReply(500, text: "<html><body><h1>500 Internal Server Error</h1></body></html>")
    static let garbage = SimulatorReply(200, text: "{\"status\":true,\"response_code\":1,\"mess")

    static func refused(code: Int) -> SimulatorReply { SimulatorReply(200, status: .bool(false), code: code, "Refused by the operator") }

    static func tooMany(retryAfter: Int) -> SimulatorReply {
        var reply = SimulatorReply(429, text: "")
        reply.retryAfter = retryAfter
        return reply
    }

    // MARK: DoRecharge

    static let duplicate = SimulatorReply(200, status: .bool(false), code: 11, "Duplicate Transaction")
    static let pending = SimulatorReply(200, status: .bool(true), code: 2, "Transaction is pending")

    static func recharged(_ reference: String, paise: Int64) -> SimulatorReply {
        SimulatorReply(
            200, status: .bool(true), code: 1, "Recharge of Amount \(rupees(paise)) is successful",
            [.init("operatorid", .number(operatorID(reference))), .init("ackno", .string(acknowledgement(reference)))])
    }

    // MARK: RechargesStatus

    static let notFound = SimulatorReply(401, status: .bool(false), code: 3, "No such transaction")

    static func enquirySucceeded(_ reference: String, paise: Int64) -> SimulatorReply {
        SimulatorReply(
            200, status: .bool(true), code: 1, codeName: "responsecode", "Transaction found",
            [.init("data", data(reference, status: "1", "Success", operatorID: operatorID(reference), paise: paise))])
    }

    static func enquiryPending(_ reference: String) -> SimulatorReply {
        SimulatorReply(
            200, status: .bool(true), code: 2, codeName: "responsecode", "Transaction found",
            [.init("data", data(reference, status: "2", "Pending"))])
    }

    static func failed(_ reference: String) -> SimulatorReply {
        SimulatorReply(
            200, status: .bool(true), code: 1, codeName: "responsecode", "Transaction found",
            [.init("data", data(reference, status: "0", "Failed"))])
    }

    private static func data(
        _ reference: String, status: String, _ message: String, operatorID: String = "", paise: Int64 = 0
    ) -> JSONValue {
        .object([
            .init("txnid", .string(acknowledgement(reference))), .init("amount", .string(rupees(paise))), .init("status", .string(status)),
            .init("refid", .string(reference)), .init("operatorid", .string(operatorID)), .init("refunded", .string("0")),
            .init("message", .string(message)),
        ])
    }

    // MARK: Status

    static let panPending = SimulatorReply(200, status: .bool(true), code: 1, "Application is under process at NSDL eGOV")
    static let panCompleted = SimulatorReply(200, status: .bool(true), code: 1, "PAN has been allotted")
    static let panRejected = SimulatorReply(200, status: .bool(true), code: 1, "Application has been rejected by NSDL eGOV")

    // MARK: The authorise call

    static let authorizationRefused = SimulatorReply(
        403, text: #"{"status":"ERROR","subCode":"403","message":"Invalid client credentials"}"#)

    static func authorized(token: String, expires: Int64) -> SimulatorReply {
        SimulatorReply(
            200,
            text: #"{"status":"SUCCESS","subCode":"200","message":"Token generated","data":{"token":"\#(token)","expiry":\#(expires)}}"#)
    }

    // MARK: Made-up numbers: the same for a reference in every run

    static func operatorID(_ reference: String) -> String { digits("operatorid", reference) }
    static func acknowledgement(_ reference: String) -> String { digits("ackno", reference) }

    private static func digits(_ purpose: String, _ reference: String) -> String {
        var generator = SeededGenerator(seed: 0, purpose, reference, 0)
        return "\(generator.next() % 9_000_000_000 + 1_000_000_000)"
    }

    private static func rupees(_ paise: Int64) -> String {
        paise % 100 == 0 ? "\(paise / 100)" : "\(paise / 100).\(paise % 100 < 10 ? "0" : "")\(paise % 100)"
    }
}
