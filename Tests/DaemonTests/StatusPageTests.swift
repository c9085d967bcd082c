import AMQP
import BOSClient
import Events
import JobEngine
import JobModel
import Observability
import Synchronization
import Testing

@testable import Daemon

@Suite("The status page", .timeLimit(.minutes(1)))
struct StatusPageTests {
    private static let runbook = Runbook(path: "deploy/docs/operating.md")

    private func html(_ snapshot: StatusSnapshot) async throws -> String {
        try await StatusPages(runbook: Self.runbook, host: "host-1") { snapshot }.statusPage(isStill: true).html
    }

    @Test("names the program, the machine and the time, and says in one sentence whether money moves")
    func top() async throws {
        let html = try await html(SampleStatus.worker())
        #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        #expect(html.contains("<h1>Money can move: the worker waits for recharges.</h1>"))
        #expect(html.contains("<strong>bos-worker</strong> \(Version.current) on host-1 · 2026-11-21 09:00:00 UTC · running for 1 h 0 min"))
        #expect(html.contains("<header class=\"good\">"))
    }

    @Test("has no tag without data and no name of the template left in it")
    func everyNameIsKnown() async throws {
        for snapshot in [SampleStatus.worker(), SampleStatus.poller(), SampleStatus.busyWorker()] {
            let html = try await html(snapshot)
            #expect(!html.contains("{{"))
            #expect(!html.contains("Optional("))
        }
        // A name that no property has renders as nothing, so each name of the template is looked up here.
        let names = StatusPageTemplate.page.matches(of: /\{\{[#^]?([a-zA-Z.]+)\}\}/).map { String($0.output.1) }
        let known = Self.names(in: StatusPageView(SampleStatus.busyWorker(), host: "h"))
        #expect(names.count > 50)
        #expect(names.filter { $0 != "." && !known.contains($0.split(separator: ".").last.map(String.init) ?? "") } == [])
    }

    /// The names of all properties of a value and of the values in it.
    private static func names(in value: Any) -> Set<String> {
        Mirror(reflecting: value).children.reduce(into: []) { names, child in
            if let label = child.label { names.insert(label) }
            names.formUnion(Self.names(in: child.value))
        }
    }

    @Test("shows every text as text, also one that BOS, the broker or an upstream has written")
    func escaping() async throws {
        let hostile = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)> \"\u{301} onload=x {{style}}"
        var snapshot = SampleStatus.busyWorker()
        snapshot.queues[0].name = hostile
        snapshot.problems = [HealthProblem(check: "topology", detail: hostile)]
        snapshot.worker?.enquiryProblems = [hostile]
        snapshot.worker?.token = .init(isUsable: false, expiresAt: nil, problem: hostile)
        snapshot.events = [.init(event: .brokerLost, first: 0, last: 0, text: hostile)]
        snapshot.sample.ledgerProblem = hostile
        let html = try await html(snapshot)
        #expect(!html.contains("<script") && !html.contains("<img"))
        #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"))
        // As bytes: for Swift a quotation mark with an accent is another character than a quotation mark.
        let tags = Array(html.utf8).split(separator: UInt8(ascii: "<")).dropFirst()
        for tag in tags {
            let inside = tag.prefix { $0 != UInt8(ascii: ">") }
            #expect(!String(decoding: inside, as: UTF8.self).contains("onload"))
        }
        #expect(html.contains("{{style}}"))
    }

    @Test("holds no script, no style but the one that its policy names, and no address of another server")
    func selfContained() async throws {
        let page = try await StatusPages(runbook: Self.runbook, host: "h") { SampleStatus.busyWorker() }.statusPage(isStill: false)
        #expect(!page.html.contains("<script") && !page.html.contains("javascript:") && !page.html.contains(" style="))
        #expect(!page.html.contains("http://") && !page.html.contains("https://"))
        let styles = page.html.matches(of: /<style>([^<]*)<\/style>/).map { String($0.output.1) }
        #expect(styles.map(HTMLStyle.hash) == [page.styleHash])
        // Of a known text, as in the specification's example: Content Security Policy Level 2, section 7.17.
        #expect(HTMLStyle.hash(of: "alert('Hello, world.');") == "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=")
        #expect(page.refreshSeconds == 10)
    }

    @Test("is rendered at most once a second, however often it is asked for")
    func cache() async throws {
        let rendered = Mutex(0)
        let now = Mutex(ContinuousClock.now)
        let pages = try StatusPages(
            runbook: Self.runbook, host: "h",
            snapshot: {
                rendered.withLock { $0 += 1 }
                return SampleStatus.worker()
            }, now: { now.withLock { $0 } })
        await withDiscardingTaskGroup { group in
            for number in 0..<100 { group.addTask { _ = await pages.statusPage(isStill: number % 2 == 0) } }
        }
        #expect(rendered.withLock { $0 } == 1)
        now.withLock { $0 += .milliseconds(999) }
        _ = await pages.statusPage(isStill: false)
        #expect(rendered.withLock { $0 } == 1)
        now.withLock { $0 += .milliseconds(1) }
        _ = await pages.statusPage(isStill: false)
        #expect(rendered.withLock { $0 } == 2)
    }

    @Test("the poller's page says whether waiting jobs go on, and shows nothing of the worker")
    func poller() async throws {
        let html = try await html(SampleStatus.poller())
        #expect(html.contains("<h1>Jobs that wait in the ledger go back to their queue when they are due.</h1>"))
        #expect(html.contains("<dt>Last round</dt>"))
        #expect(!html.contains("Breaker") && !html.contains("In flight"))
    }

    @Test("a queue's curve spans one hour, and has a gap where the broker was away")
    func curve() {
        let now = SampleStatus.now
        let points = [(-7_200, 9), (-3_600, 0), (-3_585, 50), (-1_800, 100), (0, 0)].map { (at: now + .seconds($0.0), ready: $0.1) }
        let curve = QueueCurve(points, now: now)
        #expect(curve.highest == 100)
        #expect(curve.paths == ["M0 47L1 24", "M120 1h1", "M240 47h1"])
        #expect(QueueCurve([], now: now).paths == [])
        #expect(QueueCurve([(at: now, ready: 0)], now: now).paths == ["M240 47h1"])
    }

    @Test("times and counts are written for people")
    func words() {
        #expect(Duration.milliseconds(45).words == "45 ms")
        #expect(Duration.milliseconds(2_350).words == "2.3 s")
        #expect(Duration.seconds(119).words == "119 s")
        #expect(Duration.seconds(300).words == "5 min")
        #expect(Duration.seconds(12_000).words == "3 h 20 min")
        #expect(Duration.seconds(8 * 86_400 + 4 * 3_600).words == "8 d 4 h")
        #expect(Duration.seconds(-5).words == "0 ms")
        #expect(1_234_567.grouped == "1,234,567" && 12.grouped == "12" && (-1_000).grouped == "−1,000")
    }
}

@Suite("The runbook of the status page", .timeLimit(.minutes(1)))
struct RunbookTests {
    @Test("every finding leads to a section that operating.md has, under its heading")
    func sectionsExist() {
        let sections = Runbook(path: "deploy/docs/operating.md").sections
        for section in StatusFinding.Section.allCases {
            #expect(sections.first { $0.slug == section.rawValue }?.title == section.title)
        }
    }

    @Test("a section ends at the next heading of its level, and a number sign in code is no heading")
    func parsing() {
        let document = "# T\n\n## One two\n\ntext\n```sh\n## no\n```\n### A `b`_c\nsub\n## Next\n"
        let sections = Runbook.sections(of: document)
        #expect(sections.map(\.slug) == ["one-two", "a-b_c", "next"])
        #expect(sections[0].text == "text\n```sh\n## no\n```\n### A `b`_c\nsub")
        #expect(sections[1].text == "sub")
    }

    @Test("the page of a section shows its text as text, and where the file is missing says what to set")
    func pages() async throws {
        let pages = try StatusPages(runbook: Runbook(path: "deploy/docs/operating.md"), host: "h") { SampleStatus.worker() }
        let page = try #require(await pages.runbookPage("when-jobs-wait"))
        #expect(page.html.contains("<h1>When jobs wait</h1>"))
        #expect(page.html.contains("consumption.paused"))
        #expect(page.refreshSeconds == nil)
        #expect(await pages.runbookPage("<script>") == nil)
        let missing = try StatusPages(runbook: Runbook(path: "/no/such/file"), host: "h") { SampleStatus.worker() }
        let answer = try #require(await missing.runbookPage("when-jobs-wait"))
        #expect(answer.html.contains("/no/such/file cannot be read: it does not exist. Set http.runbook"))
    }
}
