import JobModel
import Testing

@Suite("Masking", .timeLimit(.minutes(1)))
struct MaskingTests {
    @Test(
        "a subscriber number keeps its last three characters at most",
        arguments: [
            ("DL12CB4685", "***685"), ("9876543210", "***210"), ("1234567", "***567"), ("123456", "***"), ("12", "***"), ("", "***"),
        ])
    func masking(number: String, shown: String) {
        #expect(masked(number) == shown)
    }
}
