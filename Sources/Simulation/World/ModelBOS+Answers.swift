import BOSClient

/// The bytes of BOS's answers. Source of the shapes: bos-api.md#what-clients-show.
extension ModelBOS {
    var duplicate: RawAnswer { RawAnswer(200, #"{"status":false,"response_code":11,"message":"Duplicate Transaction"}"#) }
    var notFound: RawAnswer { RawAnswer(200, #"{"status":false,"responsecode":3,"message":"No record found"}"#) }

    func refused(code: Int) -> RawAnswer {
        RawAnswer(200, #"{"status":false,"response_code":\#(code),"message":"Something went wrong"}"#)
    }

    var credentialsRefused: RawAnswer {
        switch world.number(0...2) {
        case 0: RawAnswer(401, #"{"status":false,"response_code":16,"message":"Authentication failed"}"#)
        case 1: RawAnswer(401, refusesToken: true, #"{"message":"Unauthorized"}"#)
        default: RawAnswer(412, #"{"status":false,"response_code":15,"message":"Invalid signature encoding"}"#)
        }
    }

    /// The answer to every call during an outage.
    func answer(during outage: Conditions.Outage) -> RawAnswer {
        switch outage {
        case .oneCode(let code): refused(code: code)
        case .maintenance: RawAnswer(200, #"{"status":false,"response_code":6,"message":"Service under maintenance, try after 02:00"}"#)
        case .emptyWallet: RawAnswer(402, #"{"status":false,"response_code":16,"message":"Insufficient fund in your account"}"#)
        case .credentials: credentialsRefused
        }
    }

    func done(refid: String) -> RawAnswer {
        world.conditions.shape == .full
            ? RawAnswer(
                200,
                #"{"status":true,"response_code":1,"operatorid":"0","ackno":77,"refid":"\#(refid)","message":"Recharge is successful"}"#)
            : RawAnswer(200, #"{"status":true,"response_code":1,"operatorid":78,"ackno":"77","message":"Recharge is successful"}"#)
    }

    func accepted(_ call: Call) -> RawAnswer {
        let code = world.pick([0, 2])
        return RawAnswer(world.pick([200, 202]), #"{"status":true,"response_code":\#(code),"message":"Transaction is accepted"}"#)
    }

    /// What an enquiry's answer says of a recharge.
    struct EnquiryResult {
        /// `data.status`, or what takes its place: 1 (succeeded), 0 (failed) or 2 (pending).
        var status: Int
        var refid: String
        var subscriber: String
        var amount: String
    }

    /// - Parameter code: the outer code. By default 1: the enquiry itself was answered.
    func found(_ result: EnquiryResult, code: Int = 1) -> RawAnswer {
        switch world.conditions.shape {
        case .full:
            RawAnswer(
                200,
                #"{"status":true,"response_code":\#(code),"message":"Transaction found","data":{"canumber":"\#(result.subscriber)","#
                    + #""amount":"\#(result.amount).00","status":"\#(result.status)","refid":"\#(result.refid)"}}"#)
        case .page:
            RawAnswer(
                200,
                #"{"status":true,"responsecode":\#(code),"message":"Transaction found","data":{"amount":"\#(result.amount)","#
                    + #""status":"\#(result.status)","refid":"\#(result.refid)"}}"#)
        case .bare:
            switch result.status {
            case 1: RawAnswer(200, #"{"status":true,"responsecode":1,"message":"Transaction found"}"#)
            case 2: RawAnswer(200, #"{"status":true,"responsecode":2,"message":"Transaction found"}"#)
            default: RawAnswer(200, #"{"status":false,"responsecode":7,"message":"The recharge failed"}"#)
            }
        }
    }

    /// Answers the enquiry as found, without a recharge.
    /// - Parameter data: the JSON of `data`; `nil` to leave it out.
    func foundNothing(data: String?) -> RawAnswer {
        RawAnswer(200, #"{"status":true,"responsecode":1,"message":"Transaction found"\#(data.map { #","data":\#($0)"# } ?? "")}"#)
    }
}
