import JobModel
import Testing

@Suite("Money", .timeLimit(.minutes(1)))
struct MoneyTests {
    @Test(
        "rupees are read as paise",
        arguments: [
            ("10", 1_000), ("10.5", 1_050), ("10.50", 1_050), ("10.500", 1_050), ("0.01", 1), ("0", 0), ("-0", 0), ("-1.25", -125),
            ("007", 700), ("10.0000000", 1_000), ("92233720368547758.07", Int64.max),
        ])
    func readsRupees(text: String, paise: Int64) {
        #expect(Money(rupees: text)?.paise == paise)
    }

    @Test(
        "a text that is no amount is not read",
        arguments: [
            "", " ", "-", ".", "1.", ".5", "1.001", "1,5", "1e3", "+1", "--1", "1.-5", "1 ", " 1", "0x1", "1.2.3", "１", "NaN", "∞",
            "92233720368547758.08", "9223372036854775807", "99999999999999999999999",
        ])
    func readsNoOtherText(text: String) {
        #expect(Money(rupees: text) == nil)
    }

    @Test(
        "paise are written as rupees with two decimals or none",
        arguments: [(1_000, "10"), (1_050, "10.50"), (1, "0.01"), (0, "0"), (-125, "-1.25"), (Int64.max, "92233720368547758.07")])
    func writesRupees(paise: Int64, rupees: String) {
        #expect(Money(paise: paise).rupees == rupees)
        #expect(Money(rupees: rupees)?.paise == paise)
    }
}
