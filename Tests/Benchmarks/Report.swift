import ExactJSON

/// The results of one measurement: a table for people, and one line of JSON for comparisons.
struct Report {
    let jobs: Int
    let drain: Drain
    let peakKilobytes: Int
    let rate: Int
    /// The times from publish to reply, shortest first.
    let latency: [Duration]
    /// The share of one processor that the idle worker uses, from 0 to 1.
    let idleShare: Double
    /// What one rendering of the status page costs.
    let page: Duration

    func write() {
        for (label, value, unit, _) in rows {
            print("\(label)\(String(repeating: " ", count: 44 - label.count))\(value) \(unit)")
        }
        let members = rows.map { JSONValue.Member($0.name, .number($0.value)) } + [.init("jobs", .number(String(jobs)))]
        print(String(decoding: JSONValue.object(members).encoded, as: UTF8.self))
    }

    private var rows: [(label: String, value: String, unit: String, name: String)] {
        let count = Double(drain.jobs)
        return [
            ("drained, jobs a second", text(count / drain.seconds, decimals: 0), "/s", "jobs_per_second"),
            ("worker, processor time a job", text(drain.workerSeconds / count * 1e6, decimals: 1), "µs", "worker_cpu_us_per_job"),
            (
                "stand-in for BOS, processor time a job", text(drain.standInSeconds / count * 1e6, decimals: 1), "µs",
                "stand_in_cpu_us_per_job"
            ),
            ("worker, peak resident memory", text(Double(peakKilobytes) / 1024, decimals: 1), "MiB", "peak_rss_mib"),
            ("publish to reply at \(rate)/s, p50", text(milliseconds(0.5), decimals: 2), "ms", "latency_p50_ms"),
            ("publish to reply at \(rate)/s, p99", text(milliseconds(0.99), decimals: 2), "ms", "latency_p99_ms"),
            ("publish to reply at \(rate)/s, p99.9", text(milliseconds(0.999), decimals: 2), "ms", "latency_p999_ms"),
            ("status page, processor time each", text(page / .milliseconds(1), decimals: 2), "ms", "page_cpu_ms"),
            ("worker, idle", text(idleShare * 100, decimals: 2), "% of one processor", "idle_cpu_percent"),
        ]
    }

    private func milliseconds(_ quantile: Double) -> Double {
        guard !latency.isEmpty else { return 0 }
        return latency[min(latency.count - 1, Int(Double(latency.count) * quantile))] / .milliseconds(1)
    }

    /// The number, rounded to this many decimals (at most 2).
    private func text(_ number: Double, decimals: Int) -> String {
        let factor: Int64 = [1, 10, 100][decimals]
        let rounded = Int64((number * Double(factor)).rounded())
        guard decimals > 0 else { return String(rounded) }
        let fraction = String(abs(rounded % factor))
        return "\(rounded / factor).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
    }
}
