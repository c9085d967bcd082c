import Foundation
import JobModel
import Testing

@Suite("Timestamps", .timeLimit(.minutes(1)))
struct TimestampTests {
    @Test(
        "every spelling of RFC 3339 is read",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00:00z", 0), ("1970-01-01T05:30:00+05:30", 0), ("1969-12-31T16:00:00-08:00", 0),
            ("1970-01-01T00:00:00-00:00", 0), ("1970-01-01T00:00:00.5Z", 500), ("1970-01-01T00:00:00.412Z", 412),
            ("1970-01-01T00:00:00.4129999999999999Z", 412), ("1970-01-01T00:00:00.012+00:00", 12), ("1969-12-31T23:59:59.999Z", -1),
            ("1969-12-31T23:59:59.9999Z", -1), ("2000-02-29T00:00:00Z", 951_782_400_000), ("2024-02-29T23:59:59Z", 1_709_251_199_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000), ("0000-01-01T00:00:00Z", -62_167_219_200_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("2026-11-21T09:00:00.412Z", 1_795_251_600_412),
        ])
    func readsRFC3339(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(
        "a text that is no RFC 3339 date-time is not read",
        arguments: [
            "", "2026-11-21", "2026-11-21T09:00:00", "2026-11-21T09:00Z", "2026-11-21 09:00:00Z", "2026-11-21T09:00:00.Z",
            "2026-11-21T09:00:00,5Z",
            "2026-11-21T09:00:00+0530", "2026-11-21T09:00:00+24:00", "2026-11-21T09:00:00+05:60", "2026-11-21T09:00:00+5:30",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
            "2026-11-00T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T23:60:00Z", "2026-11-21T23:59:61Z", "26-11-21T09:00:00Z",
            "20261-11-21T09:00:00Z", "-026-11-21T09:00:00Z", "2026-11-21T09:00:00Zx", " 2026-11-21T09:00:00Z", "２０２６-11-21T09:00:00Z",
            "2026-11-21T09:00:00Z\u{0}", "now",
            // In UTC these are before the year 0 or after the year 9999, which RFC 3339 cannot write.
            "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:60Z", "0000-01-01T00:00:00+00:01",
        ])
    func readsNoOtherText(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("a moment of any century is read back as it was written, and is written as Foundation writes it")
    func roundTrip() {
        var random = SeededGenerator(seed: 1)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for _ in 0..<20_000 {
            let moment = Timestamp(milliseconds: Int64.random(in: -62_135_596_800_000...253_402_300_799_999, using: &random))
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
            // Whole seconds only, because Foundation uses floating-point numbers. None before 1582, because Foundation uses the Julian
            // calendar there and RFC 3339 does not.
            let second = max(-12_219_292_800, Int64((Double(moment.milliseconds) / 1_000).rounded(.down)))
            let text = Date(timeIntervalSince1970: Double(second)).formatted(style)
            #expect(Timestamp(milliseconds: second * 1_000).rfc3339 == text)
        }
    }

    @Test("every day of four centuries has its own date, in order")
    func datesAreInOrder() {
        var last = ""
        for day in Int64(0)..<146_097 {
            let text = Timestamp(milliseconds: day * 86_400_000).rfc3339
            #expect(text > last)
            #expect(Timestamp(rfc3339: text)?.milliseconds == day * 86_400_000)
            last = text
        }
        #expect(last == "2369-12-31T00:00:00.000Z")
    }

    @Test("durations are added in whole milliseconds, and sums never overflow")
    func addition() {
        let start = Timestamp(milliseconds: 1_000)
        #expect((start + .microseconds(1_999)).milliseconds == 1_001)
        #expect((start + .seconds(-2)).milliseconds == -1_000)
        #expect(start + .seconds(Int64.max) == Timestamp(milliseconds: Timestamp.plausible.upperBound))
        // A deadline at the last possible moment can still be stored and read.
        let last = Timestamp(milliseconds: Timestamp.plausible.upperBound)
        #expect(last + .milliseconds(1) == last)
        #expect(start - Timestamp(milliseconds: 400) == .milliseconds(600))
    }
}
