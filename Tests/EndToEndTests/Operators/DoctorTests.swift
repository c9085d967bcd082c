import AMQP
import BrokerKit
import ExactJSON
import Foundation
import Testing

extension EndToEnd {
    /// `bosctl doctor` and `bosctl topology` beside running programs.
    @Suite struct Doctor {
        @Test("the doctor finds no fault beside worker and poller, changes nothing, and moves no money")
        func healthy() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let (poller, http) = try system.startPoller()
                let address = http.replacing("http://", with: "")
                #expect(await eventually { try await Web.get("\(http)/readyz").status == 200 })
                let healthy = try await system.bosctl("doctor", "--poller", address)
                #expect(healthy.code == 0, "\(healthy.output)")
                for name in [
                    "broker version", "topology", "consumers", "rights", "BOS", "token", "clock", "ledger size", "worker", "poller",
                ] {
                    #expect(healthy.output.contains(name), "\(name): \(healthy.output)")
                }
                #expect(healthy.output.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(healthy.output)")
                #expect(try await system.executions().isEmpty)
                #expect(try await system.callsReceived("DoRecharge") == 0)
                #expect(try await system.upstream.depth(of: system.names.recharge) == 0)
                #expect(try await system.upstream.depth(of: system.names.unrouted) == 0)
                let json = try await system.bosctl("doctor", "--json", "--poller", address)
                #expect(json.code == 0)
                for line in json.output.split(separator: "\n") {
                    #expect(try JSONValue.parse(Array(line.utf8))["level"]?.text != "fault", "\(line)")
                }
                #expect(await system.stop(poller) == 0)
                try await system.finish(worker)
            }
        }

        /// What is broken, and the line that says so.
        struct Break: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let level: String
            let check: String
            let text: String
            let isFault: Bool
            let apply: @Sendable (System, ChildProcess) async throws -> [String]
        }

        private static let breaks = [
            Break(testDescription: "the worker is stopped", level: "fault", check: "worker", text: "does not answer", isFault: true) {
                #expect(await $0.stop($1) == 0)
                return []
            },
            Break(testDescription: "no worker consumes", level: "fault", check: "consumers", text: "no program consumes", isFault: true) {
                #expect(await $0.stop($1) == 0)
                return []
            },
            Break(
                testDescription: "a queue differs", level: "fault", check: "topology", text: "x-message-ttl: expected none, is 60000",
                isFault: true
            ) {
                system, worker in
                #expect(await system.stop(worker) == 0)
                let queue = system.names.dead
                try await system.onBroker {
                    try await $0.delete(queue: queue)
                    try await $0.declare([
                        .queue(name: queue, arguments: ["x-queue-type": .string("quorum"), "x-message-ttl": .int(60_000)])
                    ])
                }
                return []
            },
            Break(testDescription: "BOS is away", level: "fault", check: "BOS", text: "no connection", isFault: true) { system, _ in
                system.simulator?.send(SIGKILL)
                return []
            },
            Break(testDescription: "BOS refuses the token", level: "fault", check: "BOS", text: "refuses our credentials", isFault: true) {
                system, _ in
                try await system.setFaults(#"{"faults":[{"fault":"authentication","probability":1}]}"#)
                return []
            },
            Break(testDescription: "the token's file is gone", level: "fault", check: "token", text: "is missing", isFault: true) {
                system, _ in
                ["--auth.mode=file", "--auth.tokenFile=\(system.folder.path)/none"]
            },
            Break(testDescription: "the broker is another one", level: "fault", check: "broker", text: "no connection to", isFault: true) {
                _, _ in ["--amqp.urls=amqp://127.0.0.1:1"]
            },
            Break(testDescription: "the ledger is a copy", level: "fault", check: "ledger", text: "it is a copy of", isFault: true) {
                system, _ in
                let copy = "\(system.folder.path)/copy.sqlite"
                let backup = try await system.bosctl("ledger", "backup", copy)
                #expect(backup.code == 0, "\(backup.output)")
                return ["--ledger.url=sqlite:\(copy)"]
            },
            Break(
                testDescription: "a message was not understood", level: "warning", check: "kept messages", text: "1 messages lie in",
                isFault: false
            ) {
                system, _ in
                try await system.onBroker { try await $0.publish(1, to: system.names.dead) }
                return []
            },
        ]

        @Test("the doctor names what is broken, with what to do, and exits for monitoring", arguments: breaks)
        func broken(_ broken: Break) async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let (poller, http) = try system.startPoller()
                #expect(await eventually { try await Web.get("\(http)/readyz").status == 200 })
                let options = try await broken.apply(system, worker)
                let arguments = ["doctor", "--json", "--poller", http.replacing("http://", with: "")] + options
                let result = try await system.bosctl(arguments)
                let line = try result.output.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }.first {
                    $0["check"]?.text == broken.check && $0["finding"]?.text?.contains(broken.text) == true
                }
                #expect(line?["level"]?.text == broken.level, "\(result.output)")
                #expect(line?["mend"]?.text?.isEmpty == false)
                #expect(result.code == (broken.isFault ? 1 : 0))
                if !broken.isFault { #expect(try await system.bosctl(arguments + ["--strict"]).code == 1) }
                worker.send(SIGKILL)
                poller.send(SIGKILL)
            }
        }

        @Test("topology check names what is missing and what differs; apply creates the one, leaves the other, and is on record")
        func topology() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let right = try await system.bosctl("topology", "check")
                #expect(right.code == 0, "\(right.output)")
                // With the names of a real broker, which begin with "bos", no line has more than 100 columns. A binding names two objects.
                let columns = 100 + 2 * (system.names.prefix.count - "bos".count)
                #expect(right.output.split(separator: "\n").filter { $0.count > columns } == [], "\(columns) columns")
                #expect(await system.stop(worker) == 0)
                let names = system.names
                try await system.onBroker {
                    try await $0.delete(queue: names.dead)
                    try await $0.delete(queue: names.status)
                    try await $0.declare([.queue(name: names.status, arguments: ["x-queue-type": .string("classic")])])
                    try await $0.publish(3, to: names.status)
                }
                let wrong = try await system.bosctl("topology", "check")
                #expect(wrong.code == 1)
                #expect(wrong.output.contains("queue \(names.dead)") && wrong.output.contains("missing"), "\(wrong.output)")
                #expect(wrong.output.contains("x-queue-type: expected quorum, is"), "\(wrong.output)")
                let applied = try await system.bosctl("topology", "apply", "--reason", "the queue was deleted by mistake")
                #expect(applied.code == 1)
                #expect(applied.output.contains("will create: queue \(names.dead)"), "\(applied.output)")
                #expect(try await system.upstream.depth(of: names.dead) == 0)
                #expect(try await system.upstream.depth(of: names.status) == 3)
                let log = try await system.bosctl("log").output
                #expect(log.contains("topology apply") && log.contains("deleted by mistake"), "\(log)")
                // The binding is there again.
                try await system.onBroker { try await $0.publishFanout(to: names.dead) }
                #expect(await eventually { try await system.upstream.depth(of: names.dead) == 1 })
            }
        }

        @Test("the management API shows a missing binding, a harmful policy, and which login it needs")
        func management() async throws {
            let port = try System.freePort()
            let configuration = ["management.tcp.ip = 127.0.0.1", "management.tcp.port = \(port)"]
            try await TestBroker.run(configuration: configuration, plugins: ["rabbitmq_management"]) { broker in
                try await System.run(["BOS_AMQP_MANAGEMENT_URL": "http://127.0.0.1:\(port)"], broker: broker) { system in
                    let worker = try await system.startReadyWorker()
                    let right = try await system.bosctl("topology", "check")
                    #expect(right.code == 0, "\(right.output)")
                    #expect(!right.output.contains("not told"), "\(right.output)")
                    #expect(await system.stop(worker) == 0)
                    let names = system.names
                    try await broker.ctl(
                        "set_policy", "short", names.dead.replacing(".", with: "\\."), #"{"message-ttl":1000}"#, "--apply-to", "queues")
                    try await system.onBroker { try await $0.delete(queue: names.unrouted) }
                    try await system.onBroker {
                        try await $0.declare([.queue(name: names.unrouted, arguments: ["x-queue-type": .string("quorum")])])
                    }
                    let wrong = try await system.bosctl("topology", "check")
                    #expect(wrong.code == 1)
                    #expect(wrong.output.contains("binding \(names.unrouted) → \(names.unrouted)"), "\(wrong.output)")
                    #expect(
                        await eventually {
                            try await system.bosctl("topology", "check").output.contains(
                                "the policy short sets message-ttl 1000 on \(names.dead)")
                        })
                    #expect(try await system.bosctl("topology", "apply", "--reason", "binding was lost").code == 0)
                    let doctor = try await system.bosctl("doctor", "--json").output
                    #expect(doctor.contains(#"{"check":"alarms","level":"ok""#), "\(doctor)")
                    #expect(doctor.contains(#"{"check":"feature flags","level":"ok""#), "\(doctor)")
                    #expect(doctor.contains(#"{"check":"policies","level":"warning""#), "\(doctor)")
                    try await broker.ctl("set_user_tags", "guest")
                    let refused = try await system.bosctl("doctor", "--json").output
                    #expect(refused.contains("give the user the tag monitoring"), "\(refused)")
                }
            }
        }
    }
}
