import Ledger
import Testing

@Suite("A counted answer of BOS", .timeLimit(.minutes(1)))
struct CodeSightingTests {
    @Test(
        "contains no number that could be a subscriber's",
        arguments: [
            ("Recharge of 9876543210 failed", "Recharge of … failed"), ("98765 43210", "… …"), ("987-654-3210", "…-…-…"),
            ("DL12CB4685", "DL…CB…"), ("९८७६५४३२१०", "…"), ("", ""),
        ])
    func maskedNumbers(message: String, expected: String) {
        #expect(CodeSighting(.init(.recharge, httpStatus: 200), message: message).message == expected)
    }

    @Test("contains a short message only")
    func shortenedMessage() {
        let message = CodeSighting(.init(.recharge, httpStatus: 200), message: String(repeating: "ab ", count: 1_000)).message
        #expect(message.count == CodeSighting.maximumMessage)
        #expect(message.hasSuffix("…"))
    }
}
