import JobModel
import LedgerKit
import Testing

@testable import BOSCtl

@Suite("Formatting of times, numbers and tables", .timeLimit(.minutes(1)))
struct TextFormattingTests {
    @Test(
        "a span has at most two units, the smallest a second",
        arguments: [
            (-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (3_660, "1 h 1 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 d"), (90_000, "1 d 1 h"),
        ])
    func formatsSpan(seconds: Int64, text: String) {
        #expect(TimeText.span(.seconds(seconds)) == text)
    }

    @Test("a due time is 'now' or 'in' a span")
    func formatsDueTime() {
        #expect(TimeText.due(Sample.start, at: Sample.start) == "now")
        #expect(TimeText.due(Sample.start, at: Sample.moment(1)) == "now")
        #expect(TimeText.due(Sample.moment(240), at: Sample.start) == "in 4 min")
    }

    @Test(
        "a number is rounded to the given digits",
        arguments: [(0.0, 0, "0"), (1.5, 0, "2"), (0.05, 1, "0.1"), (12.345, 2, "12.35"), (2.0, 3, "2.000"), (0.999, 2, "1.00")])
    func roundsDecimal(number: Double, digits: Int, text: String) {
        #expect(Decimals.text(number, digits: digits) == text)
    }

    @Test(
        "a duration is read and written as in the configuration",
        arguments: [("250ms", Duration.milliseconds(250)), ("5m", .seconds(300)), ("2h", .seconds(7200))])
    func parsesDuration(text: String, duration: Duration) {
        #expect(ArgumentDuration(argument: text)?.duration == duration)
        #expect(ArgumentDuration(duration).defaultValueDescription == text)
    }

    @Test("a text that is not a duration is refused", arguments: ["", "5", "m", "-5s", "5 s", "5y", "1.5s", "99999999999999999999s"])
    func refusesOtherTexts(text: String) {
        #expect(ArgumentDuration(argument: text) == nil)
    }

    @Test("control characters, line breaks and changes of writing direction are not printed")
    func replacesUnprintableCharacters() {
        #expect("a\nb\r\nc\u{1B}[31md\u{202E}e\u{0}f".printable == "a?b?c?[31md?e?f")
        #expect("Prüfung läuft 🏦".printable == "Prüfung läuft 🏦")
    }

    @Test("a column is as wide as its widest cell, and a cell stays on its line")
    func formatsTable() {
        var table = TextTable(["a", "what", "note"])
        table.add(["long one", "x", "first\nsecond"])
        table.add(["", "", ""])
        #expect(table.lines == ["a         what  note", "long one  x     first?second", "                "])
    }
}
