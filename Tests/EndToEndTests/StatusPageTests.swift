import BrokerKit
import ExactJSON
import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// The status page as a person sees it: in a real browser, in each state that calls a person at night.
    @Suite(.enabled(if: Browser.tools != nil, "chromedriver or axe-core is missing"))
    struct StatusPage {
        /// A state of the system, and what the page has to say in it.
        struct Scene: Sendable {
            var name: String
            /// A part of the sentence on top.
            var sentence: String
            /// Further parts of the page's text.
            var parts: [String] = []
            /// Brings the system from the scene before into this one.
            var begin: @Sendable (Stage) async throws -> Void
        }

        /// What the scenes act on.
        struct Stage: Sendable {
            let system: System
            let disk: TinyDisk?
        }

        private static let settings = [
            "BOS_API_REQUEST_TIMEOUT": "2s", "BOS_BREAKER_PROBE_INTERVAL": "30s", "BOS_RETRY_ENQUIRY_INITIAL_BACKOFF": "10m",
            "BOS_RETRY_ENQUIRY_MAXIMUM_BACKOFF": "1h",
            "BOS_HTTP_RUNBOOK": Documents.root.appendingPathComponent("deploy/docs/operating.md").path,
            "BOS_JOBS_RECHARGE_CONCURRENCY": "8",
        ]

        /// Each scene follows the one before.
        private static let scenes = [
            Scene(name: "idle", sentence: "Money can move", parts: ["connected", "No", "Notable events"]) { _ in },
            Scene(name: "busy", sentence: "Money moves: ", parts: ["succeeded", "In flight"]) { stage in
                try await stage.system.upstream.publishRecharges((1...4_000).map { "busy-\($0)" })
            },
            Scene(name: "doubts waiting", sentence: "Money", parts: ["₹", "in_doubt"]) { stage in
                try await stage.system.setFaults(#"{"faults":[{"fault":"pendingThenDone","probability":1,"value":3600}]}"#)
                try await stage.system.upstream.publishRecharges((1...30).map { "doubt-\($0)" })
                try #require(await eventually { try await stage.text().contains("in_doubt") })
            },
            Scene(name: "breaker open", sentence: "BOS cannot be reached or fails", parts: ["HTTP 500", "next probe in"]) { stage in
                try await stage.system.setFaults(#"{"faults":[{"fault":"serverError","probability":1}]}"#)
                try await stage.system.upstream.publishRecharges((1...300).map { "failing-\($0)" })
            },
            Scene(name: "ledger full", sentence: "the ledger cannot be written", parts: ["Free the disk"]) { stage in
                try stage.disk?.fill()
            },
            Scene(name: "broker away", sentence: "no connection to the broker", parts: ["not connected", "Nothing is lost"]) { stage in
                try stage.disk?.makeRoom()
                try await stage.system.broker.ctl("shutdown")
            },
        ]

        @Test("says in each state what is wrong and what to do, in a real browser, and axe-core finds nothing serious in it")
        func scenes() async throws {
            try await TestBroker.run { broker in
                try await System.run(Self.settings, simulator: ["--latency", "20ms-60ms"], broker: broker) { system in
                    // Only root can mount a disk that can be filled. Without it the scene of the full ledger is left out.
                    let disk =
                        TinyDisk.isPossible ? try TinyDisk(at: system.folder.appendingPathComponent("disk").path, mebibytes: 64) : nil
                    let ledger = disk.map { "sqlite:\($0.folder)/ledger.sqlite" }
                    let worker = try await system.startReadyWorker(ledger.map { ["BOS_LEDGER_URL": $0] } ?? [:])
                    try await Browser.run(in: system.folder) { browser in
                        let stage = Stage(system: system, disk: disk)
                        for scene in Self.scenes where disk != nil || scene.name != "ledger full" {
                            try await show(scene, on: stage, in: browser)
                        }
                        try await showRunbook(of: system, in: browser)
                    }
                    worker.send(SIGKILL)
                    _ = await worker.exitCode()
                    withExtendedLifetime(disk) {}
                }
            }
        }

        private func show(_ scene: Scene, on stage: Stage, in browser: Browser) async throws {
            try await scene.begin(stage)
            let hasCome = await eventually(within: .seconds(30)) { try await stage.headline().contains(scene.sentence) }
            let headline = try await stage.headline()
            try #require(hasCome, "\(scene.name): \(headline)")
            for (width, scheme) in [(1_280, Browser.Scheme.light), (390, .dark)] {
                try await browser.show(width: width, scheme: scheme)
                try await browser.open("\(stage.system.http)/still")
                try keep(await browser.picture(), as: "\(scene.name) \(scheme.rawValue)")
                #expect(try await browser.seriousFindings() == [], "\(scene.name), \(scheme.rawValue)")
                let text = try await browser.evaluate("return document.body.innerText").text ?? ""
                for part in scene.parts { #expect(text.contains(part), "\(scene.name): \(part)") }
                #expect(!text.contains(System.subscriber))
                // A page that is wider than its window has to be moved sideways on a phone.
                #expect(try await browser.evaluate("return document.documentElement.scrollWidth <= window.innerWidth") == .bool(true))
            }
        }

        /// Each link to the runbook leads to a section.
        private func showRunbook(of system: System, in browser: Browser) async throws {
            try await browser.open("\(system.http)/runbook/when-jobs-wait")
            try keep(await browser.picture(), as: "runbook")
            #expect(try await browser.seriousFindings() == [])
            #expect(try await browser.evaluate("return document.querySelector('h1').innerText").text == "When jobs wait")
        }

        /// Keeps a picture in the folder `BOS_TEST_PICTURES`, if that is set.
        private func keep(_ picture: Data, as name: String) throws {
            #expect(picture.count > 10_000)
            guard let folder = ProcessInfo.processInfo.environment["BOS_TEST_PICTURES"] else { return }
            try picture.write(to: URL(fileURLWithPath: folder).appendingPathComponent("\(name.replacing(" ", with: "-")).png"))
        }
    }
}

extension EndToEnd.StatusPage.Stage {
    fileprivate func text() async throws -> String { try await Web.get("\(system.http)/").text }

    /// The sentence on top of the page.
    fileprivate func headline() async throws -> String {
        try await text().firstMatch(of: /<h1>(.*)<\/h1>/).map { String($0.1) } ?? ""
    }
}

/// A file system of a few MiB that a test can fill. Only root can mount it.
final class TinyDisk: Sendable {
    static let isPossible = geteuid() == 0

    let folder: String
    private var filler: String { "\(folder)/filler" }

    init(at folder: String, mebibytes: Int) throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let result = mount("tmpfs", folder, "tmpfs", 0, "size=\(mebibytes)m,mode=700")
        try #require(result == 0, "mount: \(String(cString: strerror(errno)))")
    }

    deinit { umount2(folder, Int32(MNT_DETACH)) }

    /// Uses up all free space.
    func fill() throws {
        let file = open(filler, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        let page = [UInt8](repeating: 0, count: 4_096)
        while write(file, page, page.count) > 0 {}
    }

    func makeRoom() throws {
        try #require(truncate(filler, 0) == 0)
        try FileManager.default.removeItem(atPath: filler)
    }
}
