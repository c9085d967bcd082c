import JobModel
import Testing

@Suite("Masking", .timeLimit(.minutes(1)))
struct MaskingTests {
    @Test(
        "a masked subscriber number shows at most its last three characters",
        arguments: [
            ("DL12CB4685", "***685"), ("9876543210", "***210"), ("1234567", "***567"), ("123456", "***"), ("12", "***"), ("", "***"),
        ])
    func masksSubscriber(number: String, shown: String) {
        #expect(masked(number) == shown)
    }
}
