/// A password that cannot be printed, interpolated, dumped or compared by accident.
package struct Password: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The password itself, for the login and nothing else.
    package let exposed: String

    package init(_ text: String) {
        exposed = text
    }

    package var description: String { "(hidden)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
