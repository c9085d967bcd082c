import Events
import Logging
import Synchronization
import Testing

@testable import Observability

@Suite("Recent events", .timeLimit(.minutes(1)))
struct RecentEventsTests {
    private let events = RecentEvents()

    private func log(_ event: EventName, fields: Logger.Metadata = [:], at time: Int64 = 0) {
        let fields = fields.merging(["event": "\(event.rawValue)"]) { $1 }
        events.record(LogLine(level: event.row.level, logger: "test", message: event.row.sentence, fields: fields), at: time)
    }

    @Test("an event is kept in words, with its fields and without its name")
    func words() {
        log(.consumptionPaused, fields: ["reason": "bos", "detail": "HTTP 502", "lane": "money"], at: 5)
        #expect(events.entries.map(\.text) == ["consumption paused: detail HTTP 502, lane money, reason bos"])
        #expect(events.entries.first == .init(event: .consumptionPaused, first: 5, last: 5, text: events.entries.first?.text ?? ""))
    }

    @Test("at most twenty are kept, the latest of them")
    func capacity() {
        for number in 1...50 { log(.brokerLost, fields: ["reason": "number \(number)"], at: Int64(number)) }
        #expect(events.entries.count == 20)
        #expect(events.entries.map(\.first) == Array(31...50))
    }

    @Test("events of single jobs share one entry, which counts them, and push out no other")
    func frequentEvents() {
        log(.consumptionPaused, at: 1)
        for number in 1...1_000 {
            log(.jobUnfinished, fields: ["reference": "r-\(number)"], at: Int64(2 * number))
            log(.replyUnroutable, fields: ["reference": "r-\(number)"], at: Int64(2 * number + 1))
        }
        #expect(events.entries.map(\.event) == [.consumptionPaused, .jobUnfinished, .replyUnroutable])
        let unfinished = events.entries[1]
        #expect(unfinished.count == 1_000 && unfinished.first == 2 && unfinished.last == 2_000)
        #expect(unfinished.text.hasSuffix("reference r-1000"))
    }

    @Test("the same event with other words has an entry of its own, and a repeated one has not")
    func repeatedEvents() {
        for reason in ["a", "a", "b"] { log(.brokerLost, fields: ["reason": "\(reason)"]) }
        #expect(events.entries.map(\.count) == [2, 1])
    }

    @Test("lines for debugging and lines without an event are left out")
    func leftOut() {
        log(.messageUnconfirmed)
        events.record(LogLine(level: .error, logger: "test", message: "other", fields: [:]), at: 0)
        events.record(LogLine(level: .error, logger: "test", message: "other", fields: ["event": "no.such"]), at: 0)
        #expect(events.entries.isEmpty)
    }

    @Test("no text holds a control character or one that reorders text, and a long one is cut")
    func hostileText() {
        log(.brokerLost, fields: ["reason": "a\nb\u{202E}c\u{7}"])
        #expect(events.entries.last?.text.hasSuffix(#"reason a\nb\u{202e}c\u{7}"#) == true)
        log(.brokerLost, fields: ["reason": "\(String(repeating: "x", count: 10_000))"])
        #expect(events.entries.last?.text.count == RecentEvents.longestText + 1)
    }
}
