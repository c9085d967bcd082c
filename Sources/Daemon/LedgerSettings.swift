/// Where jobs are recorded. Section `ledger`.
package struct LedgerSettings: Sendable, Equatable {
    package var url = Location.sqlite(path: "./ledger.sqlite")

    package init() {}

    /// A store and where it is.
    package enum Location: Sendable, Equatable {
        /// A file on a local disk; exactly one worker may use it.
        case sqlite(path: String)

        package var path: String {
            switch self {
            case .sqlite(let path): path
            }
        }
    }
}
