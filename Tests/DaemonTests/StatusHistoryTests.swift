import JobModel
import Metrics
import Observability
import Testing

@testable import Daemon

@Suite("The history behind the status page", .timeLimit(.minutes(1)))
struct StatusHistoryTests {
    private let registry = PrometheusRegistry()

    private func record(_ depth: Int?, in history: StatusHistory, at seconds: Int) {
        history.record(
            depth.map { [Sampler.Queue(name: "q", messages: $0, consumers: 1)] } ?? [],
            at: Timestamp(milliseconds: Int64(seconds) * 1_000), uptime: .seconds(seconds))
    }

    @Test("a ring keeps the last values in their order")
    func ring() {
        var ring = Ring<Int>(capacity: 3)
        #expect(ring.elements == [])
        for number in 1...5 { ring.append(number) }
        #expect(ring.elements == [3, 4, 5])
    }

    @Test("the curve has a point every fifteen seconds, for one hour, however long the program runs")
    func curve() {
        let history = StatusHistory(registry: registry)
        for second in stride(from: 0, through: 7_200, by: 5) { record(second, in: history, at: second) }
        let curve = history.curve
        #expect(curve.count == 240)
        #expect(curve.last?.ready == ["q": 7_200])
        #expect(curve.first?.ready == ["q": 7_200 - 239 * 15])
    }

    @Test("a queue that could not be read is missing from the curve, not empty")
    func gap() {
        let history = StatusHistory(registry: registry)
        record(5, in: history, at: 0)
        record(nil, in: history, at: 15)
        #expect(history.curve.map(\.ready) == [["q": 5], [:]])
    }

    @Test("a queue's growth is measured over the last minute, and unknown at first")
    func growth() {
        let history = StatusHistory(registry: registry)
        record(1_000, in: history, at: 0)
        record(1_000, in: history, at: 5)
        #expect(history.growthPerMinute == [:])
        for second in stride(from: 10, through: 120, by: 5) { record(1_000 + 2 * second, in: history, at: second) }
        #expect(history.growthPerMinute == ["q": 120])
        record(nil, in: history, at: 125)
        #expect(history.growthPerMinute == [:])
    }

    @Test("the work of the last minutes is what was counted in them, and the rate that of the last minute")
    func recentWork() {
        let jobs = Counter(label: "bos_jobs_total", dimensions: [("kind", "recharge"), ("outcome", "succeeded")], factory: registry)
        let duration = Timer(label: "bos_job_duration_seconds", dimensions: [("kind", "recharge")], factory: registry)
        let history = StatusHistory(registry: registry)
        for second in stride(from: 0, through: 900, by: 5) {
            record(0, in: history, at: second)
            // Two jobs a second in all but the last minute, and four in that.
            jobs.increment(by: second < 840 ? 10 : 20)
            duration.recordMilliseconds(20)
        }
        let work = history.recentWork
        #expect(work.span == .seconds(300))
        #expect(work.totals.jobs[.recharge]?[.succeeded] == 240 * 2 + 60 * 4)
        #expect(work.totals.jobSeconds[.recharge]?.total == 60)
        #expect(abs((work.totals.jobSeconds[.recharge]?.quantile(0.5) ?? 0) - 0.0175) < 1e-9)
        #expect(work.jobsPerSecond[.recharge] == 4)
    }
}
