package import Events
package import Logging
private import Synchronization

/// The last notable events of the log, for the status page. A fixed number is kept, however much is logged.
package final class RecentEvents: Sendable {
    /// One event, or several of the same name.
    package struct Entry: Sendable, Equatable {
        package let event: EventName
        package let level: Logger.Level
        /// When it was logged first and last, in milliseconds since 1970.
        package let first: Int64
        package fileprivate(set) var last: Int64
        package fileprivate(set) var count = 1
        /// The last line in words: the event's sentence and what differs from line to line.
        package fileprivate(set) var text: String

        package init(event: EventName, first: Int64, last: Int64, count: Int = 1, text: String) {
            self.event = event
            level = event.row.level
            self.first = first
            self.last = last
            self.count = count
            self.text = text
        }
    }

    /// How many entries are kept.
    package static let capacity = 20
    /// The longest text of an entry, in characters. A longer one is cut.
    static let longestText = 400

    private let kept = Mutex<[Entry]>([])

    package init() {}

    /// The kept entries, the latest last.
    package var entries: [Entry] { kept.withLock { $0 } }

    /// Keeps the event of a line. Lines without an event, and events for debugging, are left out.
    func record(_ line: LogLine, at milliseconds: Int64) {
        guard let event = line.fields["event"].flatMap({ EventName(rawValue: "\($0)") }), line.level >= .info else { return }
        var entry = Entry(event: event, first: milliseconds, last: milliseconds, text: Self.words(line))
        kept.withLock { kept in
            let isSame: (Entry) -> Bool = { $0.event == event && (event.isFrequent || $0.text == entry.text) }
            let same = event.isFrequent ? kept.firstIndex(where: isSame) : kept.indices.last.flatMap { isSame(kept[$0]) ? $0 : nil }
            if let same {
                let earlier = kept.remove(at: same)
                entry = Entry(event: event, first: earlier.first, last: milliseconds, count: earlier.count + 1, text: entry.text)
            }
            kept.append(entry)
            if kept.count > Self.capacity { kept.removeFirst() }
        }
    }

    /// The message and the fields of the line, without characters that could hide or reorder what follows.
    private static func words(_ line: LogLine) -> String {
        let fields = line.fields.filter { $0.key != "event" }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        let text = LogLineFormatter.escaped(fields.isEmpty ? line.message : "\(line.message): \(fields.joined(separator: ", "))")
        return text.count > longestText ? "\(text.prefix(longestText))…" : text
    }
}

extension EventName {
    /// Lines of these events come one for each job, message or attempt. They share one entry, or else they would push out all others.
    private static let frequent: Set<EventName> = [
        .jobResumed, .jobFinished, .jobUnfinished, .jobLost, .jobNeedsPerson, .jobUnreadable, .jobNotRequeued, .messageRefused,
        .messageUnpublishable, .messageUnconfirmed, .replyUnroutable, .replyNotPublished, .replyPublishedLate, .repliesOwed, .tokenRenewed,
        .tokenNotRenewed, .brokerUnreachable, .topologyWrong, .topologyMended, .enquiryReliable, .enquiryUnreliable, .logLinesDropped,
        .ledgerUnavailable,
    ]

    fileprivate var isFrequent: Bool { Self.frequent.contains(self) }
}
