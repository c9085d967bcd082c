internal import Foundation
internal import NIOHTTP1

/// The header `Retry-After`: how long BOS asks the worker to wait. Source: RFC 9110, section 10.2.3.
enum RetryAfter {
    /// Longer pauses are cut to this one, so that a mistake of BOS cannot stop the calls for days.
    static let maximum = Duration.seconds(3600)

    /// The pause that an answer asks for, from zero to ``maximum``. `nil` if it asks for none, or in an unknown form.
    ///
    /// A date is compared with the answer's header `Date`, so that this machine's clock does not matter.
    /// - Parameter now: stands in for a missing `Date`.
    static func read(_ headers: HTTPHeaders, now: Date = Date()) -> Duration? {
        guard let text = headers.first(name: "Retry-After")?.trimmed, !text.isEmpty else { return nil }
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return min(.seconds(Int32(text) ?? Int32.max), maximum)
        }
        guard let date = date(text) else { return nil }
        let sent = headers.first(name: "Date").flatMap { Self.date($0.trimmed) } ?? now
        let pause = date.timeIntervalSince(sent)
        return min(max(.zero, .seconds(pause)), maximum)
    }

    /// A date in one of the three forms of RFC 9110, section 5.6.7.
    private static func date(_ text: String) -> Date? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        for format in ["EEE, dd MMM yyyy HH:mm:ss zzz", "EEEE, dd-MMM-yy HH:mm:ss zzz", "EEE MMM d HH:mm:ss yyyy"] {
            formatter.dateFormat = format
            if let date = formatter.date(from: text) { return date }
        }
        return nil
    }
}
