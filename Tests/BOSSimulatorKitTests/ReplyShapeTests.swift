import Testing

@testable import BOSSimulatorKit

/// The bytes of each shape, held to bos-api.md#what-clients-show.
@Suite("The shapes of answers", .timeLimit(.minutes(1)))
struct ReplyShapeTests {
    private static func bench(_ shape: ReplyShape, faults: FaultRule...) -> SimulatedBOSTests.Bench {
        var bench = SimulatedBOSTests.Bench(
            configuration: .init(form: ReplyForm(shape: shape, hasOwnNumber: shape == .real, startedAt: 1000)))
        bench.bos.follow(FaultPlan(faults: faults), at: .zero)
        return bench
    }

    private func expect(
        _ effect: SimulatedBOS.Effect, status httpStatus: Int, body: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard case .reply(let reply) = effect else {
            Issue.record("\(effect) is no answer", sourceLocation: sourceLocation)
            return
        }
        #expect(reply.httpStatus == httpStatus, sourceLocation: sourceLocation)
        #expect(String(decoding: reply.body, as: UTF8.self) == body, sourceLocation: sourceLocation)
    }

    // MARK: real

    @Test("a real answer to DoRecharge has a sixth field refid of BOS's own, ackno is an integer and operatorid the string 0")
    func realRecharge() {
        var bench = Self.bench(.real)
        expect(
            bench.recharge(), status: 200,
            body:
                #"{"status":true,"response_code":1,"operatorid":"0","ackno":6080362920,"refid":"279479","message":"Recharge of Amount 10.50 is successful"}"#
        )
        expect(bench.recharge(), status: 200, body: #"{"status":false,"response_code":11,"message":"Duplicate Transaction"}"#)
    }

    @Test("a real enquiry has data of strings, whose status speaks of the recharge and whose refid is the number of DoRecharge's answer")
    func realEnquiry() {
        var bench = Self.bench(.real)
        expect(bench.enquire(), status: 200, body: #"{"status":false,"responsecode":3,"message":"No record found"}"#)
        _ = bench.recharge()
        expect(
            bench.enquire(), status: 200,
            body:
                #"{"status":true,"response_code":1,"data":{"txnid":"6080362920","operatorname":"Operator 311","canumber":"DL1","amount":"10.50","#
                + #""comm":"0.00","tds":"0.00","status":"1","refid":"279479","operatorid":"3816675484","dateadded":"1970-01-01 00:16:40"},"#
                + #""message":"Transaction found"}"#)
    }

    @Test("in a real enquiry 2 is pending and 0 is failed, and the question itself is answered with true and 1 all the same")
    func realWords() {
        var pending = Self.bench(.real, faults: FaultRule(.pendingThenDone, value: 3))
        expect(
            pending.recharge(), status: 200,
            body:
                #"{"status":true,"response_code":2,"operatorid":"0","ackno":6080362920,"refid":"279479","message":"Transaction is pending"}"#
        )
        expect(
            pending.enquire(), status: 200,
            body:
                #"{"status":true,"response_code":1,"data":{"txnid":"6080362920","operatorname":"Operator 311","canumber":"DL1","amount":"10.50","#
                + #""comm":"0.00","tds":"0.00","status":"2","refid":"279479","operatorid":"","dateadded":"1970-01-01 00:16:40"},"#
                + #""message":"Transaction found"}"#)
        var failed = Self.bench(.real, faults: FaultRule(.refuse, endpoint: .doRecharge))
        expect(failed.recharge(), status: 200, body: #"{"status":false,"response_code":7,"message":"Refused by the operator"}"#)
        expect(
            failed.enquire(), status: 200,
            body:
                #"{"status":true,"response_code":1,"data":{"txnid":"6080362920","operatorname":"Operator 311","canumber":"DL1","amount":"10.50","#
                + #""comm":"0.00","tds":"0.00","status":"0","refid":"279479","operatorid":"","dateadded":"1970-01-01 00:16:40"},"#
                + #""message":"Transaction found"}"#)
    }

    // MARK: page

    @Test("the page's answers have a number operatorid, a string ackno and our reference")
    func page() {
        var bench = Self.bench(.page)
        expect(bench.enquire(), status: 401, body: #"{"status":false,"response_code":3,"message":"No such transaction"}"#)
        expect(
            bench.recharge(), status: 200,
            body:
                #"{"status":true,"response_code":1,"operatorid":3816675484,"ackno":"6080362920","message":"Recharge of Amount 10.50 is successful"}"#
        )
        expect(
            bench.enquire(), status: 200,
            body: #"{"status":true,"responsecode":1,"data":{"txnid":"6080362920","amount":"10.50","status":"1","refid":"r1","#
                + #""operatorid":"3816675484","refunded":"0","message":"Success"},"message":"Transaction found"}"#)
        var pending = Self.bench(.page, faults: FaultRule(.pendingThenDone, value: 3))
        expect(pending.recharge(), status: 200, body: #"{"status":true,"response_code":2,"message":"Transaction is pending"}"#)
        expect(
            pending.enquire(), status: 200,
            body: #"{"status":true,"responsecode":2,"data":{"txnid":"6080362920","amount":"0","status":"2","refid":"r1","#
                + #""operatorid":"","refunded":"0","message":"Pending"},"message":"Transaction found"}"#)
    }

    // MARK: upstream

    @Test("the upstream accepts with HTTP 202 and code 0, knows a recharge by our reference, and does not know one with code 12")
    func upstream() {
        var bench = Self.bench(.upstream)
        expect(bench.enquire(), status: 200, body: #"{"status":false,"response_code":12,"message":"No record found"}"#)
        expect(
            bench.recharge(), status: 200,
            body:
                #"{"status":true,"response_code":1,"operatorid":"0","ackno":6080362920,"refid":"r1","message":"Recharge of Amount 10.50 is successful"}"#
        )
        expect(
            bench.enquire(), status: 200,
            body:
                #"{"status":true,"response_code":1,"data":{"txnid":"6080362920","operatorname":"Operator 311","canumber":"DL1","amount":"10.50","#
                + #""comm":"0.00","tds":"0.00","status":1,"refid":"r1","operatorid":"3816675484","dateadded":"1970-01-01 00:16:40"},"#
                + #""message":"Transaction found"}"#)
        var pending = Self.bench(.upstream, faults: FaultRule(.pendingThenDone, value: 3))
        expect(
            pending.recharge(), status: 202,
            body: #"{"status":true,"response_code":0,"operatorid":"0","ackno":6080362920,"refid":"r1","message":"Transaction is accepted"}"#
        )
        expect(
            pending.enquire(), status: 200,
            body:
                #"{"status":true,"response_code":2,"data":{"txnid":"6080362920","operatorname":"Operator 311","canumber":"DL1","amount":"10.50","#
                + #""comm":"0.00","tds":"0.00","status":2,"refid":"r1","operatorid":"","dateadded":"1970-01-01 00:16:40"},"#
                + #""message":"Transaction found"}"#)
    }

    // MARK: All shapes

    @Test(
        "what is said of the caller or of the moment looks the same in every shape, and nothing is executed", arguments: ReplyShape.allCases
    )
    func refusals(shape: ReplyShape) {
        let rows: [(FaultRule, Int, String)] = [
            (FaultRule(.authentication), 401, #"{"status":false,"response_code":16,"message":"Authentication failed"}"#),
            (FaultRule(.unauthorised), 401, #"{"message":"Unauthorized"}"#),
            (FaultRule(.signature), 412, #"{"status":false,"response_code":15,"message":"Invalid signature encoding"}"#),
            (FaultRule(.emptyWallet), 402, #"{"status":false,"response_code":16,"message":"Insufficient fund in your account"}"#),
            (FaultRule(.maintenance), 200, #"{"status":false,"response_code":6,"message":"Service under maintenance, try after 02:00"}"#),
        ]
        for (rule, httpStatus, body) in rows {
            var bench = Self.bench(shape, faults: rule)
            expect(bench.recharge(), status: httpStatus, body: body)
            expect(bench.enquire(), status: httpStatus, body: body)
            expect(bench.check(), status: httpStatus, body: body)
            #expect(bench.executed() == 0)
        }
    }

    @Test("a bare 401 asks for credentials in its header, and HTTP 503 says when to come again")
    func headers() {
        var bench = Self.bench(.real, faults: FaultRule(.unauthorised))
        guard case .reply(let bare) = bench.recharge() else { return #expect(Bool(false)) }
        #expect(bare.challenge == #"Bearer error="invalid_token""#)
        bench.follow(FaultRule(.unavailable, value: 30))
        guard case .reply(let unavailable) = bench.recharge() else { return #expect(Bool(false)) }
        #expect(unavailable.httpStatus == 503)
        #expect(unavailable.retryAfter == 30)
        #expect(bench.executed() == 0)
    }

    @Test("codes 0, 2 and 12 are answered although the recharge was executed", arguments: [0.0, 2])
    func unfinished(code: Double) {
        var bench = Self.bench(.real, faults: FaultRule(.accepted, value: code))
        expect(
            bench.recharge(), status: 202,
            body:
                #"{"status":true,"response_code":\#(Int(code)),"operatorid":"0","ackno":6080362920,"refid":"279479","message":"Transaction is accepted"}"#
        )
        #expect(bench.executed() == 1)
        bench.follow(FaultRule(.undecided))
        expect(bench.recharge("r2"), status: 200, body: #"{"status":false,"response_code":12,"message":"Transaction status unknown"}"#)
        expect(bench.enquire(), status: 200, body: #"{"status":false,"response_code":12,"message":"Transaction status unknown"}"#)
        #expect(bench.executed("r2") == 1)
    }

    @Test("PAN answers carry the words that portals show, with the status and code of one that is done")
    func panWords() {
        var bench = Self.bench(.real)
        for (index, text) in Fault.openPANTexts.enumerated() {
            bench.follow(FaultRule(.panWords, value: Double(index + 1)))
            expect(bench.check(), status: 200, body: #"{"status":true,"response_code":1,"message":"\#(text)"}"#)
        }
        bench.follow(FaultRule(.panRefusal))
        expect(bench.check(), status: 200, body: #"{"status":false,"message":"Service unavailable, try later"}"#)
        bench.follow(FaultRule(.panDuplicate))
        expect(bench.check(), status: 401, body: #"{"status":"Failed","message":"Duplicate RefID"}"#)
    }

    @Test("answers get a byte order mark, bytes that are no text, a notice of PHP, or come twice")
    func spoiled() {
        var bench = Self.bench(.page)
        _ = bench.recharge()
        let body = Array(#"{"status":false,"response_code":11,"message":"Duplicate Transaction"}"#.utf8)
        func reply(_ fault: Fault) -> SimulatorReply? {
            bench.follow(FaultRule(fault))
            guard case .reply(let reply) = bench.recharge() else { return nil }
            return reply
        }
        #expect(reply(.byteOrderMark)?.body == [0xEF, 0xBB, 0xBF] + body)
        let notice = "<br />\n<b>Notice</b>:  Undefined index: refid in <b>/var/www/html/api/BOS.php</b> on line <b>214</b><br />\n"
        #expect(reply(.phpNotice)?.body == Array(notice.utf8) + body)
        let spoiled =
            Array(#"{"status":false,"response_code":11,"message":""#.utf8) + [0x07, 0xE9] + Array(#"Duplicate Transaction"}"#.utf8)
        #expect(reply(.controlBytes)?.body == spoiled)
        #expect(reply(.twice)?.isTwice == true)
        #expect(reply(.twice)?.body == body)
    }
}
