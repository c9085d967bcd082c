import ExactJSON
import Testing

@Suite("Exact decimals", .timeLimit(.minutes(1)))
struct ExactDecimalTests {
    @Test(
        "a number is read exactly, including its exponent",
        arguments: [
            ("10", 1_000), ("1E+1", 1_000), ("1e1", 1_000), ("0.1e2", 1_000), ("10.0", 1_000), ("1000E-2", 1_000), ("10.10", 1_010),
            ("1.01e1", 1_010), ("0.01", 1), ("1E-2", 1), ("0", 0), ("0.000", 0), ("0E+999999999999999999999", 0), ("-1.5", -150),
            ("92233720368547758.07", Int64.max), ("9223372036854775807E-2", Int64.max), ("-92233720368547758.08", Int64.min),
            ("0.00000000000000000000000001E+26", 100),
        ])
    func numberIsReadExactly(number: String, paise: Int64) {
        #expect(ExactDecimal(number: number)?.wholeNumber(timesTenToThe: 2) == paise)
    }

    @Test(
        "a number that is not whole, or does not fit, gives no value",
        arguments: [
            "0.001", "1E-3", "1E+400", "1E+999999999999999999999", "1E-999999999999999999999", "92233720368547758.08", "311.555",
            "9223372036854775808", "1e17", "0.1E-9223372036854775808", "10E9223372036854775807",
        ])
    func fractionsAndOverflowGiveNoValue(number: String) throws {
        #expect(try #require(ExactDecimal(number: number)).wholeNumber(timesTenToThe: 2) == nil)
    }

    @Test(
        "a text that is not a JSON number is not a decimal",
        arguments: ["", "x", "1.", ".5", "+1", "01", " 1", "1 ", "１", "0x1", "\"1\""])
    func textThatIsNotANumberIsRefused(text: String) {
        #expect(ExactDecimal(number: text) == nil)
    }

    @Test("the digits of a whole number are exact at any length up to the limit")
    func wholeDigitsAreExactUpToLimit() {
        func digits(_ number: String, atMost limit: Int = 20) -> String? { ExactDecimal(number: number)?.wholeDigits(atMost: limit) }
        #expect(digits("1.111122233E9") == "1111122233")
        #expect(digits("-1.20e1") == "-12")
        #expect(digits("0.0E7") == "0")
        #expect(digits("12345678901234567890.0") == "12345678901234567890")
        #expect(digits("1E19") == "10000000000000000000")
        for none in ["1E20", "123456789012345678901", "1.5", "1E-1", "1E+999999999999999999999"] { #expect(digits(none) == nil) }
    }

    @Test("equal values are equal in every spelling")
    func equalValuesAreEqualInEverySpelling() {
        #expect(ExactDecimal(number: "311.0") == ExactDecimal(number: "3.11E2"))
        #expect(ExactDecimal(number: "-0") == ExactDecimal(number: "0"))
        #expect(ExactDecimal(number: "311") != ExactDecimal(number: "-311"))
        #expect(ExactDecimal(number: "311") != ExactDecimal(number: "3110"))
    }
}
