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

    /// What every call is answered with for a while.
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

    /// What an enquiry says of a recharge.
    struct EnquiryResult {
        /// `data.status`, or its like: 1, 0 or 2.
        var word: Int
        var refid: String
        var subscriber: String
        var amount: String
    }

    /// - Parameter code: beside `data`; by default the one that says that the question was answered.
    func found(_ finding: EnquiryResult, code: Int = 1) -> RawAnswer {
        switch world.conditions.shape {
        case .full:
            RawAnswer(
                200,
                #"{"status":true,"response_code":\#(code),"message":"Transaction found","data":{"canumber":"\#(finding.subscriber)","#
                    + #""amount":"\#(finding.amount).00","status":"\#(finding.word)","refid":"\#(finding.refid)"}}"#)
        case .page:
            RawAnswer(
                200,
                #"{"status":true,"responsecode":\#(code),"message":"Transaction found","data":{"amount":"\#(finding.amount)","#
                    + #""status":"\#(finding.word)","refid":"\#(finding.refid)"}}"#)
        case .bare:
            switch finding.word {
            case 1: RawAnswer(200, #"{"status":true,"responsecode":1,"message":"Transaction found"}"#)
            case 2: RawAnswer(200, #"{"status":true,"responsecode":2,"message":"Transaction found"}"#)
            default: RawAnswer(200, #"{"status":false,"responsecode":7,"message":"The recharge failed"}"#)
            }
        }
    }

    /// The question was answered, and the answer holds nothing.
    /// - Parameter data: as JSON; `nil` if there is none.
    func foundNothing(data: String?) -> RawAnswer {
        RawAnswer(200, #"{"status":true,"responsecode":1,"message":"Transaction found"\#(data.map { #","data":\#($0)"# } ?? "")}"#)
    }
}
