import JobEngine
import JobModel
import Logging
import Observability

/// What the status page shows, as texts. The template reads the properties by their names.
struct StatusPageView {
    let style = StatusPageTemplate.style
    let refresh = StatusPages.refreshSeconds
    let program: String
    let version = Version.current
    let host: String
    let time: String
    let uptime: String
    let headline: Finding
    let more: [Finding]
    let hasMore: Bool
    let figures: [Figure]
    let queues: [Queue]
    let lanes: [Lane]
    let hasLanes: Bool
    let recent: Recent
    let connections: [Row]
    let hasToken: Bool
    let jobs: [Jobs]
    let events: [Event]

    /// - Parameter host: the name of this machine.
    init(_ snapshot: StatusSnapshot, host: String) {
        program = snapshot.program.rawValue
        self.host = host
        time = snapshot.takenAt.dateAndClock
        uptime = (snapshot.takenAt - snapshot.startedAt).words
        let findings = snapshot.findings
        headline = Finding(snapshot.headline)
        more = findings.dropFirst().map(Finding.init)
        hasMore = !more.isEmpty
        figures = Figure.all(of: snapshot)
        queues = snapshot.queues.map { Queue($0, in: snapshot) }
        lanes = JobLane.allCases.compactMap { lane in snapshot.worker?.lanes[lane].map { Lane(lane, status: $0, in: snapshot) } }
        hasLanes = !lanes.isEmpty
        recent = Recent(snapshot)
        connections = snapshot.connections.map { Row($0) } + (snapshot.worker.map { [Row(token: $0, at: snapshot.takenAt)] } ?? [])
        hasToken = snapshot.worker != nil
        jobs = JobKind.allCases.compactMap { Jobs($0, in: snapshot) }
        events = snapshot.events.reversed().map(Event.init)
    }

    /// One sentence with what to do.
    struct Finding {
        let level: String
        let word: String
        let sentence: String
        let advice: String
        let section: String
        let title: String
        let quote: String?

        init(_ finding: StatusFinding) {
            level = finding.level.rawValue
            word =
                switch finding.level {
                case .good: "OK"
                case .attention: "Attention"
                case .stopped: "Stopped"
                }
            sentence = finding.sentence
            advice = finding.advice
            section = finding.section.rawValue
            title = finding.section.title
            quote = finding.detail
        }
    }

    /// A name and a number.
    struct Figure {
        let name: String
        let value: String
        let note: String?

        init(_ name: String, value: String, note: String? = nil) {
            self.name = name
            self.value = value
            self.note = note
        }
    }

    struct Queue {
        let name: String
        let ready: String
        let consumers: String
        let change: String?
        let why: String?
        let curve: Curve

        init(_ queue: StatusSnapshot.Queue, in snapshot: StatusSnapshot) {
            name = queue.name
            ready = queue.ready.map(\.grouped) ?? "unknown"
            consumers = (queue.consumers ?? 0).things("consumer", many: "consumers")
            change = queue.growthPerMinute.flatMap { growth in
                let whole = Int(growth.rounded())
                return whole == 0 ? nil : "\(whole > 0 ? "+" : "−")\(abs(whole).grouped) a minute"
            }
            why = snapshot.explanation(of: queue)
            curve = Curve(queue, in: snapshot)
        }
    }

    struct Curve {
        let title: String
        let paths: [String]
        let highest: String

        init(_ queue: StatusSnapshot.Queue, in snapshot: StatusSnapshot) {
            let points = snapshot.curve.compactMap { depths in depths.ready[queue.name].map { (at: depths.at, ready: $0) } }
            let curve = QueueCurve(points, now: snapshot.takenAt)
            paths = curve.paths
            highest = curve.highest.grouped
            title =
                "Ready messages of \(queue.name) over the last hour: at most \(curve.highest.grouped), now \(queue.ready?.grouped ?? "unknown")"
        }
    }

    struct Lane {
        let name: String
        let running: Int
        let limit: Int
        let waiting: Int
        let unfinished: String
        let breaker: String
        let pauses: [String]

        init(_ lane: JobLane, status: LaneStatus, in snapshot: StatusSnapshot) {
            name =
                switch lane {
                case .money: "recharges"
                case .questions: "questions and doubts"
                }
            running = status.running
            limit = status.limit
            waiting = status.waiting
            unfinished = snapshot.unfinished(lane).grouped
            let now = snapshot.takenAt
            breaker =
                switch status.breaker {
                case .closed: "closed"
                case .halfOpen: "half-open: a probe is under way"
                case .open: "open" + (status.probeAt.map { ", next probe in \(($0 - now).words)" } ?? "")
                }
            var pauses = status.pauses.sorted { $0.value.since < $1.value.since }.map { reason, pause in
                "\(reason.rawValue) since \(pause.since.clock) (\((now - pause.since).words)): \(pause.detail)"
            }
            if let end = status.throttledUntil { pauses.append("BOS has asked for a pause (Retry-After) until \(end.clock)") }
            if let since = status.unansweredSince {
                pauses.append("BOS has answered no call since \(since.clock) (\((now - since).words))")
            }
            if let worker = snapshot.worker, let rate = worker.ratePerSecond, worker.waitingForRate > 0 {
                pauses.append("api.ratePerSecond is \(rate): \(worker.waitingForRate.things("call waits", many: "calls wait")) for it")
            }
            self.pauses = pauses
        }
    }

    /// All jobs of one kind.
    struct Jobs {
        let kind: String
        let states: String

        /// `nil` if the ledger holds no job of that kind.
        init?(_ kind: JobKind, in snapshot: StatusSnapshot) {
            let counts = JobState.allCases.map { ($0, snapshot.stored(kind, in: $0)) }.filter { $0.1 > 0 }
            guard !counts.isEmpty else { return nil }
            self.kind = kind.rawValue
            states = counts.map { "\($1.grouped) \($0.rawValue)" }.joined(separator: ", ")
        }
    }

    struct Event {
        let time: String
        let severity: String
        let color: String
        let text: String
        let count: Int

        init(_ entry: RecentEvents.Entry) {
            time = Timestamp(milliseconds: entry.last).dateAndClock
            severity = entry.level.rawValue
            color =
                switch entry.level {
                case .critical, .error: "stopped"
                case .warning: "attention"
                case .notice, .info, .debug, .trace: "plain"
                }
            text = entry.text
            count = entry.count
        }
    }
}
