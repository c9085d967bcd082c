internal import ExactJSON

/// One HTTP answer of the simulated BOS. This file has the answers that are the same in every shape; ``ReplyForm`` has the others.
struct SimulatorReply: Sendable, Equatable {
    var httpStatus: Int
    var body: [UInt8]
    /// The seconds of the `Retry-After` header.
    var retryAfter: Int?
    /// The value of the `WWW-Authenticate` header.
    var challenge: String?
    /// Whether the answer is written twice.
    var isTwice = false

    init(
        _ httpStatus: Int, status: Bool, code: Int?, codeName: String = "response_code", with more: [JSONValue.Member] = [],
        message: String
    ) {
        self.init(httpStatus, status: .bool(status), code: code, codeName: codeName, with: more, message: message)
    }

    private init(
        _ httpStatus: Int, status: JSONValue, code: Int?, codeName: String = "response_code", with more: [JSONValue.Member] = [],
        message: String
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

    static let authenticationFailed = SimulatorReply(401, status: false, code: 16, message: "Authentication failed")
    static let signatureRefused = SimulatorReply(412, status: false, code: 15, message: "Invalid signature encoding")
    static let emptyWallet = SimulatorReply(402, status: false, code: 16, message: "Insufficient fund in your account")
    static let maintenance = SimulatorReply(200, status: false, code: 6, message: "Service under maintenance, try after 02:00")
    static let invalidRequest = SimulatorReply(
        400, status: false, code: 4, message: "Invalid request: a field is missing or not what it should be")
    static let serverError = SimulatorReply(500, text: "<html><body><h1>500 Internal Server Error</h1></body></html>")
    static let garbage = SimulatorReply(200, text: "{\"status\":true,\"response_code\":1,\"mess")

    static let unauthorised: SimulatorReply = {
        var reply = SimulatorReply(401, text: #"{"message":"Unauthorized"}"#)
        reply.challenge = #"Bearer error="invalid_token""#
        return reply
    }()

    static func refused(code: Int) -> SimulatorReply { SimulatorReply(200, status: false, code: code, message: "Refused by the operator") }
    static func undecided(code: Int) -> SimulatorReply {
        SimulatorReply(200, status: false, code: code, message: "Transaction status unknown")
    }

    static func tooMany(retryAfter: Int) -> SimulatorReply {
        var reply = SimulatorReply(429, text: "")
        reply.retryAfter = retryAfter
        return reply
    }

    static func unavailable(retryAfter: Int) -> SimulatorReply {
        var reply = SimulatorReply(503, text: "<html><body><h1>503 Service Unavailable</h1></body></html>")
        reply.retryAfter = retryAfter
        return reply
    }

    // MARK: Status

    static let panPending = panAnswer("Application is under process at NSDL eGOV")
    static let panCompleted = panAnswer("PAN has been allotted")
    static let panRejected = panAnswer("Application has been rejected by NSDL eGOV")
    static let panRefusal = SimulatorReply(200, status: false, code: nil, message: "Service unavailable, try later")
    static let panDuplicate = SimulatorReply(401, status: .string("Failed"), code: nil, message: "Duplicate RefID")

    static func panAnswer(_ message: String) -> SimulatorReply { SimulatorReply(200, status: true, code: 1, message: message) }

    // MARK: The authorise call

    static let authorisationRefused = SimulatorReply(
        403, text: #"{"status":"ERROR","subCode":"403","message":"Invalid client credentials"}"#)

    static func authorised(token: String, expires: Int64) -> SimulatorReply {
        SimulatorReply(
            200,
            text: #"{"status":"SUCCESS","subCode":"200","message":"Token generated","data":{"token":"\#(token)","expiry":\#(expires)}}"#)
    }
}

// MARK: - Faults in the bytes of an answer

extension SimulatorReply {
    var withByteOrderMark: SimulatorReply { with([0xEF, 0xBB, 0xBF] + body) }

    var withPHPNotice: SimulatorReply {
        with(
            Array("<br />\n<b>Notice</b>:  Undefined index: refid in <b>/var/www/html/api/BOS.php</b> on line <b>214</b><br />\n".utf8)
                + body)
    }

    /// Inserts a bell and a Latin-1 "é" at the start of the message. The second byte is not valid UTF-8.
    var withControlBytes: SimulatorReply {
        let start = Array(#""message":""#.utf8)
        guard let index = body.indices.first(where: { body[$0...].starts(with: start) }) else { return self }
        var bytes = body
        bytes.insert(contentsOf: [0x07, 0xE9], at: index + start.count)
        return with(bytes)
    }

    var writtenTwice: SimulatorReply {
        var reply = self
        reply.isTwice = true
        return reply
    }

    private func with(_ body: [UInt8]) -> SimulatorReply {
        var reply = self
        reply.body = body
        return reply
    }
}
