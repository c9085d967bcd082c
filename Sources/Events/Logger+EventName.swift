package import Logging

extension Logger {
    /// Logs an event. The line's metadata holds its name as `event`.
    /// - Parameter metadata: what differs from line to line. No secret and no subscriber number.
    package func log(_ event: EventName, _ metadata: @autoclosure () -> Logger.Metadata = [:]) {
        log(level: event.row.level, "\(event.row.sentence)", metadata: metadata().merging(["event": "\(event.rawValue)"]) { $1 })
    }
}
