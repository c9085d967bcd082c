package import Ledger
import Testing

/// One thing that every store of the ledger promises, with its check against a fresh, empty store.
package struct LedgerPromise: Sendable, CustomTestStringConvertible {
    package let testDescription: String
    package let check: @Sendable (any Ledger) async throws -> Void

    init(_ sentence: String, _ check: @escaping @Sendable (any Ledger) async throws -> Void) {
        testDescription = sentence
        self.check = check
    }

    package static let all =
        claiming + repeating + updating + publishing + reading + racing + leasing + purchasing
        + destinations + codes + asking
}
