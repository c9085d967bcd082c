import Testing

@testable import Daemon

@Suite("Value formats", .timeLimit(.minutes(1)))
struct ValueFormatTests {
    @Test(
        "a duration is read in every unit, and shown in the largest unit of which it has two",
        arguments: [
            ("250ms", Duration.milliseconds(250), "250ms"), ("30s", .seconds(30), "30s"), ("5m", .seconds(300), "5m"),
            ("2h", .seconds(7200), "2h"), ("30d", .seconds(2_592_000), "30d"), ("0s", .zero, "0s"), ("0090s", .seconds(90), "90s"),
            ("120s", .seconds(120), "2m"), ("1500ms", .milliseconds(1500), "1500ms"), ("48h", .seconds(172_800), "2d"),
            ("1m", .seconds(60), "60s"),
            ("1000ms", .seconds(1), "1s"), ("1ms", .milliseconds(1), "1ms"), ("1d", .seconds(86_400), "24h"),
        ])
    func durations(text: String, duration: Duration, formatted: String) {
        #expect(DurationText.parse(text) == duration)
        #expect(DurationText.format(duration) == formatted)
    }

    @Test(
        "a text that is no duration is refused",
        arguments: [
            "", "s", "5", "5 s", " 5s", "5s ", "5S", "1.5s", "-1s", "+1s", "1h30m", "5us", "٣s", "9223372036854775808ms",
            "9223372036854775807s",
        ])
    func invalidDuration(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(
        "rupees become paise exactly",
        arguments: [("100", Int64(10_000), "100"), ("99.5", 9950, "99.50"), ("99.05", 9905, "99.05"), ("0.01", 1, "0.01")])
    func rupees(text: String, paise: Int64, formatted: String) {
        #expect(RupeeText.parse(text) == paise)
        #expect(RupeeText.format(paise) == formatted)
    }

    @Test(
        "a text that is no amount is refused",
        arguments: ["", ".", "1.", ".5", "1.234", "-1", "1,000", "1e2", "92233720368547758.08", "92233720368547759", "1.2.3", "१"])
    func invalidRupees(text: String) {
        #expect(RupeeText.parse(text) == nil)
    }

    @Test("each whole percentage is shown as it was written")
    func percentages() {
        let percent = ValueFormat.percent(0...100)
        for percentage in 0...100 { #expect(percent.parse(["\(percentage)"]).flatMap(percent.format) == "\(percentage)") }
        #expect(percent.parse(["29"]) == 0.29)
    }

    @Test("the edit distance counts inserted, deleted, changed and swapped letters")
    func editDistance() {
        #expect(EditDistance.distance(from: "timeout", to: "timeout") == 0)
        #expect(EditDistance.distance(from: "tiemout", to: "timeout") == 1)
        #expect(EditDistance.distance(from: "timeut", to: "timeout") == 1)
        #expect(EditDistance.distance(from: "", to: "abc") == 3)
        #expect(EditDistance.nearest(to: "quite.another", among: ["log.level", "log.format"]) == nil)
    }
}
