import Foundation
import NIOHTTP1
import Testing

@testable import BOSClient

@Suite("Retry-After", .timeLimit(.minutes(1)))
struct RetryAfterTests {
    private static let now = Date(timeIntervalSince1970: 784_111_777)

    @Test(
        "seconds and dates are read, and no pause is longer than an hour",
        arguments: [
            ("7", 7), (" 120 ", 120), ("0", 0), ("99999999999999999999", 3600), ("86400", 3600), ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
            ("Sunday, 06-Nov-94 08:49:47 GMT", 10), ("Sun Nov  6 08:49:47 1994", 10), ("Sun, 06 Nov 1994 08:49:27 GMT", 0),
            ("Sun, 06 Nov 2094 08:49:37 GMT", 3600),
        ])
    func secondsAndDatesAreRead(text: String, seconds: Int) {
        #expect(RetryAfter.read(["Retry-After": text], now: Self.now) == .seconds(seconds))
    }

    @Test("any other text means no pause", arguments: ["", "-1", "1.5", "soon", "2030-01-01T00:00:00Z"])
    func otherTextsMeanNoPause(text: String) {
        #expect(RetryAfter.read(["Retry-After": text], now: Self.now) == nil)
    }

    @Test("a Retry-After date is compared with the answer's own Date, not with this machine's clock")
    func dateIsComparedWithAnswersDate() {
        let headers: HTTPHeaders = ["Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT"]
        #expect(RetryAfter.read(headers, now: Date(timeIntervalSince1970: 0)) == .seconds(60))
    }
}
