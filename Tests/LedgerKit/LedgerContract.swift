package import Ledger
import Testing

/// One rule of the contract between the ledger and its users, with its check against a new, empty store. Each store is checked against all rules.
package struct LedgerContract: Sendable, CustomTestStringConvertible {
    package let testDescription: String
    package let check: @Sendable (any OperatorLedger) async throws -> Void

    init(_ sentence: String, check: @escaping @Sendable (any OperatorLedger) async throws -> Void) {
        testDescription = sentence
        self.check = check
    }

    package static let all =
        claiming + repeating + updating + publishing + reading + racing + leasing + purchasing
        + destinations + codes + questions + operators
}
