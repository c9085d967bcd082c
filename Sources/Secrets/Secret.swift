/// A text that must never be shown, such as a token or a client secret.
///
/// Printing, reflecting or interpolating it yields `<redacted>`, and it cannot be encoded. `revealed` is the only way to the text, so
/// a search for that word finds every use.
package struct Secret: Sendable, Equatable {
    /// The text itself. Use it only to put it on the wire.
    package let revealed: String

    package init(_ text: String) { revealed = text }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
