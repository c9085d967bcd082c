extension RawBOS {
    /// The answer to an enquiry about a recharge that BOS does not know.
    static let notFound = Action.json(#"{"status":false,"responsecode":3,"message":"No record found"}"#)

    /// The answer to an enquiry about a recharge that BOS knows, with its details.
    /// - Parameter status: `data.status`, by default that of an executed recharge.
    static func found(_ reference: String, subscriber: String, amount: String, status: String = "1") -> Action {
        .json(
            #"{"status":true,"responsecode":1,"message":"Transaction found","data":{"status":"\#(status)","refid":"\#(reference)","#
                + #""canumber":"\#(subscriber)","amount":"\#(amount)","operatorid":"9"}}"#)
    }

    /// The answer to a check of a PAN application.
    static func pan(_ message: String) -> Action { .json(#"{"status":true,"response_code":1,"message":"\#(message)"}"#) }

    /// The answer to a recharge that BOS has executed.
    static let done = answer(
        "200 OK",
        body: Array(
            #"{"status":true,"response_code":1,"operatorid":1111122233,"ackno":"11224445565","message":"Recharge is successful"}"#.utf8))

    /// The answer to an authorise call.
    /// - Parameter expiry: in seconds since 1970.
    static func token(_ number: Int, expiry: Int = 4_102_444_800) -> [UInt8] {
        let body = #"{"status":"SUCCESS","subCode":"200","message":"","data":{"token":"token-\#(number)","expiry":\#(expiry)}}"#
        return answer("200 OK", body: Array(body.utf8))
    }

    /// Finds no recharge.
    static let blind: Script = { _ in notFound }

    /// A whole HTTP answer.
    static func answer(_ status: String, headers: [String] = ["Content-Type: application/json"], body: [UInt8]) -> [UInt8] {
        let head = ["HTTP/1.1 \(status)"] + headers + ["Content-Length: \(body.count)", "", ""]
        return Array(head.joined(separator: "\r\n").utf8) + body
    }
}

extension RawBOS.Action {
    /// A whole answer with a JSON body.
    static func json(_ body: String, status: String = "200 OK", headers: [String] = []) -> RawBOS.Action {
        .write(RawBOS.answer(status, headers: ["Content-Type: application/json"] + headers, body: Array(body.utf8)))
    }
}
