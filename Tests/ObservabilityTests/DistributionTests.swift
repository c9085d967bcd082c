import Metrics
import Observability
import Testing

@Suite("Distributions of a histogram", .timeLimit(.minutes(1)))
struct DistributionTests {
    @Test("a quantile is estimated within its bucket, as Prometheus does it")
    func quantiles() {
        let distribution = Distribution(bounds: [1, 2, 4], counts: [10, 10, 20, 0])
        #expect(distribution.quantile(0.25) == 1)
        #expect(distribution.quantile(0.125) == 0.5)
        #expect(distribution.quantile(0.5) == 2)
        #expect(distribution.quantile(0.75) == 3)
        #expect(distribution.quantile(1) == 4)
    }

    @Test("values above the last bound are reported as the last bound, and nothing as nothing")
    func edges() {
        #expect(Distribution(bounds: [1, 2], counts: [0, 0, 5]).quantile(0.5) == 2)
        #expect(Distribution(bounds: [1, 2], counts: [0, 0, 0]).quantile(0.5) == nil)
    }

    @Test("a difference has what was counted between two readings")
    func difference() {
        let later = Distribution(bounds: [1, 2], counts: [3, 5, 7])
        #expect(later.since(Distribution(bounds: [1, 2], counts: [1, 5, 2])).counts == [2, 0, 5])
    }

    @Test("the registry returns what a metric holds, and nothing for a metric that no part has made")
    func registry() {
        let registry = PrometheusRegistry()
        Counter(label: "bos_jobs_total", dimensions: [("kind", "recharge"), ("outcome", "failed")], factory: registry).increment(by: 3)
        Gauge(label: "bos_replies_owed", factory: registry).record(7)
        Timer(label: "bos_job_duration_seconds", dimensions: [("kind", "recharge")], factory: registry).recordMilliseconds(20)
        #expect(registry.value(of: .jobs, dimensions: [("outcome", "failed"), ("kind", "recharge")]) == 3)
        #expect(registry.value(of: .repliesOwed) == 7)
        #expect(registry.distribution(of: .jobDuration, dimensions: [("kind", "recharge")])?.total == 1)
        #expect(registry.value(of: .jobs) == nil)
        #expect(registry.distribution(of: .apiRequestDuration) == nil)
    }
}
