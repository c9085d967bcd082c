import Ledger
import Testing

@Suite("An answer of BOS that is counted", .timeLimit(.minutes(1)))
struct CodeSightingTests {
    @Test(
        "shows no number that could be a subscriber's",
        arguments: [
            ("Recharge of 9876543210 failed", "Recharge of … failed"), ("98765 43210", "… …"), ("987-654-3210", "…-…-…"),
            ("DL12CB4685", "DL…CB…"), ("९८७६५४३२१०", "…"), ("", ""),
        ])
    func masking(message: String, expected: String) {
        #expect(CodeSighting(.init(.recharge, httpStatus: 200), message: message).message == expected)
    }

    @Test("keeps a message short")
    func cutting() {
        let message = CodeSighting(.init(.recharge, httpStatus: 200), message: String(repeating: "ab ", count: 1_000)).message
        #expect(message.count == CodeSighting.maximumMessage)
        #expect(message.hasSuffix("…"))
    }
}
