/// A subscriber number with all but its last three characters hidden, for logs and pages: `DL12CB4685` becomes `***685`.
///
/// The number of asterisks is fixed, so the length stays hidden too. A number too short to stay secret with three characters
/// shown is hidden whole.
package func masked(_ subscriber: String) -> String {
    subscriber.count < 7 ? "***" : "***" + subscriber.suffix(3)
}
