import Foundation
import Metrics
import Observability
import Testing

@Suite("Prometheus metrics", .timeLimit(.minutes(1)))
struct PrometheusTests {
    private let registry = PrometheusRegistry()

    @Test("a counter is made once for each set of labels, counts, and shows 0 before its first increment")
    func counters() {
        let succeeded = Counter(label: "bos_jobs_total", dimensions: [("kind", "recharge"), ("outcome", "succeeded")], factory: registry)
        _ = Counter(label: "bos_jobs_total", dimensions: [("outcome", "failed"), ("kind", "recharge")], factory: registry)
        succeeded.increment(by: 2)
        Counter(label: "bos_jobs_total", dimensions: [("outcome", "succeeded"), ("kind", "recharge")], factory: registry).increment()
        #expect(
            registry.render() == """
                # HELP bos_jobs_total Jobs answered with a reply, by outcome.
                # TYPE bos_jobs_total counter
                bos_jobs_total{kind="recharge",outcome="succeeded"} 3
                bos_jobs_total{kind="recharge",outcome="failed"} 0

                """)
    }

    @Test("a counter of rupees keeps its paise")
    func rupees() {
        let money = FloatingPointCounter(label: "bos_money_rupees_total", dimensions: [("outcome", "succeeded")], factory: registry)
        money.increment(by: 10.5)
        money.increment(by: 0.25)
        #expect(registry.render().contains("bos_money_rupees_total{outcome=\"succeeded\"} 10.75\n"))
    }

    @Test("a gauge is set, goes up and down, or is read at each scrape")
    func gauges() {
        let inFlight = Meter(label: "bos_jobs_in_flight", dimensions: [("kind", "recharge")], factory: registry)
        inFlight.increment(by: 3.0)
        inFlight.decrement()
        Gauge(label: "bos_amqp_blocked", factory: registry).record(1)
        registry.observe(.queueMessages, dimensions: [("queue", "bos.recharge")]) { 42 }
        registry.observe(.queueMessages, dimensions: [("queue", "bos.status")]) { nil }
        let text = registry.render()
        #expect(text.contains("bos_jobs_in_flight{kind=\"recharge\"} 2\n"))
        #expect(text.contains("bos_amqp_blocked 1\n"))
        #expect(text.contains("bos_queue_messages{queue=\"bos.recharge\"} 42\n"))
        #expect(!text.contains("bos.status"))
    }

    @Test("a timer is a histogram in seconds with the bounds of MetricName")
    func timers() {
        let timer = Timer(label: "bos_api_request_duration_seconds", dimensions: [("endpoint", "recharge")], factory: registry)
        timer.recordMilliseconds(5)
        timer.recordMilliseconds(6)
        timer.recordSeconds(61)
        let lines = registry.render().split(separator: "\n").map(String.init)
        let name = "bos_api_request_duration_seconds"
        #expect(lines.contains("\(name)_bucket{endpoint=\"recharge\",le=\"0.005\"} 1"))
        #expect(lines.contains("\(name)_bucket{endpoint=\"recharge\",le=\"0.01\"} 2"))
        #expect(lines.contains("\(name)_bucket{endpoint=\"recharge\",le=\"60\"} 2"))
        #expect(lines.contains("\(name)_bucket{endpoint=\"recharge\",le=\"+Inf\"} 3"))
        #expect(lines.contains("\(name)_sum{endpoint=\"recharge\"} 61.011"))
        #expect(lines.contains("\(name)_count{endpoint=\"recharge\"} 3"))
    }

    @Test("a recorder that aggregates is a histogram, and NaN is left out")
    func recorders() {
        let rows = Recorder(label: "bos_ledger_commit_rows", factory: registry)
        rows.record(3)
        rows.record(Double.nan)
        let text = registry.render()
        #expect(text.contains("bos_ledger_commit_rows_bucket{le=\"2\"} 0\n"))
        #expect(text.contains("bos_ledger_commit_rows_bucket{le=\"4\"} 1\n"))
        #expect(text.contains("bos_ledger_commit_rows_sum 3\n"))
    }

    @Test("label values are escaped, and invalid characters in names become underscores")
    func escaping() {
        Counter(label: "http.requests-total", dimensions: [("the.path", "a\\b\"c\nd")], factory: registry).increment()
        #expect(registry.render().contains("http_requests_total{the_path=\"a\\\\b\\\"c\\nd\"} 1\n"))
    }

    @Test("infinity and NaN are written as Prometheus reads them")
    func unusualNumbers() {
        for (name, value) in [("a", Double.infinity), ("b", -.infinity), ("c", .nan), ("d", 1e300), ("e", 0.1)] {
            Gauge(label: name, factory: registry).record(value)
        }
        let lines = registry.render().split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines == ["a +Inf", "b -Inf", "c NaN", "d 1e+300", "e 0.1"])
    }

    @Test("a metric of MetricName that is made as another kind is a conflict, and the page does not show it")
    func conflicts() {
        Gauge(label: "bos_jobs_total", factory: registry).record(1)
        #expect(registry.conflicts == ["bos_jobs_total"])
        #expect(registry.render() == "")
    }

    @Test("the page does not show a destroyed metric")
    func destroyed() {
        let gauge = Gauge(label: "bos_pan_pending", factory: registry)
        gauge.record(1)
        gauge.destroy()
        #expect(registry.render() == "")
    }

    @Test("all increments of many tasks are counted")
    func concurrentIncrements() async {
        let counter = Counter(label: "bos_replies_unrouted_total", factory: registry)
        let money = FloatingPointCounter(label: "bos_money_rupees_total", dimensions: [("outcome", "failed")], factory: registry)
        let rows = Recorder(label: "bos_ledger_commit_rows", factory: registry)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.increment()
                        money.increment(by: 0.5)
                        rows.record(1)
                    }
                }
            }
        }
        let text = registry.render()
        #expect(text.contains("bos_replies_unrouted_total 8000\n"))
        #expect(text.contains("bos_money_rupees_total{outcome=\"failed\"} 4000\n"))
        #expect(text.contains("bos_ledger_commit_rows_count 8000\n"))
    }

    /// `MetricTableTests` compares the whole table, and so all that is new, with operating.md.
    @Test("MetricName still holds every metric of the contract and every one that was added, with its labels")
    func metricsOfTheContract() {
        let table = Set(
            MetricName.allCases.map { $0.rawValue + ($0.row.labels.isEmpty ? "" : "{\($0.row.labels.joined(separator: ","))}") })
        let contract: Set = [
            "bos_jobs_total{kind,outcome}", "bos_job_duration_seconds{kind}", "bos_jobs_in_flight{kind}", "bos_jobs_stored{kind,state}",
            "bos_doubt_oldest_age_seconds", "bos_doubt_amount_rupees", "bos_money_rupees_total{outcome}", "bos_pan_pending",
            "bos_due_oldest_age_seconds", "bos_requeued_total{kind}", "bos_api_requests_total{endpoint,result}",
            "bos_api_request_duration_seconds{endpoint}", "bos_retries_total{kind,reason}", "bos_breaker_state",
            "bos_concurrency_limit{kind}", "bos_token_expires_seconds", "bos_queue_messages{queue}", "bos_queue_consumers{queue}",
            "bos_dead_letters_total{reason}", "bos_replies_published_total{kind}", "bos_replies_unrouted_total",
            "bos_replies_unconfirmed", "bos_amqp_connected{role}", "bos_amqp_reconnects_total{role}", "bos_amqp_blocked",
            "bos_ledger_commit_duration_seconds", "bos_ledger_commit_rows", "bos_build_info{version}",
        ]
        let added: Set = [
            "bos_questions_breaker_state", "bos_consumption_paused{lane,reason}", "bos_enquiry_unreliable", "bos_log_lines_dropped_total",
            "bos_replies_owed",
        ]
        #expect(contract.union(added).subtracting(table) == [])
    }

    @Test("promtool finds no fault in a page with every metric")
    func promtoolFindsNoFault() throws {
        for name in MetricName.allCases {
            let dimensions = name.row.labels.map { ($0, "some \"value\"\\") }
            switch name.row.kind {
            case .counter: Counter(label: name.rawValue, dimensions: dimensions, factory: registry).increment()
            case .gauge: Gauge(label: name.rawValue, dimensions: dimensions, factory: registry).record(1.5)
            case .histogram: Recorder(label: name.rawValue, dimensions: dimensions, factory: registry).record(0.3)
            }
        }
        #expect(registry.conflicts == [])
        let (status, output) = try Promtool.check(registry.render())
        #expect(status == 0)
        #expect(output == "")
    }

    @Test("promtool finds a counter without the ending _total, a broken label and a missing help text")
    func promtoolFindsFaults() throws {
        #expect(try Promtool.check("# HELP a_jobs Jobs.\n# TYPE a_jobs counter\na_jobs 1\n").status != 0)
        #expect(try Promtool.check("# HELP a_total Jobs.\n# TYPE a_total counter\na_total{x=\"\"\"} 1\n").status != 0)
        #expect(try Promtool.check("# TYPE a_total counter\na_total 1\n").status != 0)
    }
}

/// The program promtool of the Debian package prometheus.
private enum Promtool {
    static func check(_ page: String) throws -> (status: Int32, output: String) {
        let tool = "/usr/bin/promtool"
        try #require(
            FileManager.default.isExecutableFile(atPath: tool), "install the Debian package prometheus: this test runs its promtool")
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: tool)
        process.arguments = ["check", "metrics"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(page.utf8))
        try input.fileHandleForWriting.close()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }
}
