import Testing

@testable import BOSSimulatorKit

/// The bytes of the answers in each shape. Source: bos-api.md#what-clients-show.
@Suite("Shapes of answers", .timeLimit(.minutes(1)))
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

    @Test("real: an answer of DoRecharge has BOS's own number as refid, an integer as ackno and the string 0 as operatorid")
    func realRecharge() {
        var bench = Self.bench(.real)
        expect(
            bench.recharge(), status: 200,
            body:
                #"{"status":true,"response_code":1,"operatorid":"0","ackno":6080362920,"refid":"279479","message":"Recharge of Amount 10.50 is successful"}"#
        )
        expect(bench.recharge(), status: 200, body: #"{"status":false,"response_code":11,"message":"Duplicate Transaction"}"#)
    }

    @Test("real: an enquiry's data consists of strings, with the recharge's status and the refid of DoRecharge's answer")
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

    @Test("real: data.status is 2 for pending and 0 for failed, and the outer status is true with code 1 for both")
    func realEnquiryOfPendingAndFailed() {
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

    @Test("page: an answer has a number as operatorid, a string as ackno, and refid is our reference")
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

    @Test("upstream: pending is HTTP 202 with code 0, refid is our reference, and not found is code 12")
    func upstreamAnswers() {
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
        "refusals of credentials and outages look the same in every shape, and nothing is executed", arguments: ReplyShape.allCases
    )
    func refusalsAreTheSameInEveryShape(shape: ReplyShape) {
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

    @Test("a 401 without a code has a WWW-Authenticate header, and HTTP 503 has Retry-After")
    func challengeAndRetryAfter() {
        var bench = Self.bench(.real, faults: FaultRule(.unauthorised))
        guard case .reply(let bare) = bench.recharge() else { return #expect(Bool(false)) }
        #expect(bare.challenge == #"Bearer error="invalid_token""#)
        bench.follow(FaultRule(.unavailable, value: 30))
        guard case .reply(let unavailable) = bench.recharge() else { return #expect(Bool(false)) }
        #expect(unavailable.httpStatus == 503)
        #expect(unavailable.retryAfter == 30)
        #expect(bench.executed() == 0)
    }

    @Test("BOS answers with code 0, 2 or 12 although it has executed the recharge", arguments: [0.0, 2])
    func unfinishedCodesAfterExecution(code: Double) {
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

    @Test("PAN answers have the texts that portals show, with status true and code 1")
    func panTexts() {
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

    @Test("answers may have a byte order mark, invalid bytes or a PHP notice, or come twice")
    func spoiledAnswers() {
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
