/// Text that must never be shown: a token, a client secret.
///
/// Printing, reflecting or interpolating it yields `<redacted>`; it cannot be encoded. The one way to the text is `revealed`, so
/// that every use can be found by that word.
package struct Secret: Sendable, Equatable {
    /// The text itself. Only for putting it on the wire.
    package let revealed: String

    package init(_ text: String) { revealed = text }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
