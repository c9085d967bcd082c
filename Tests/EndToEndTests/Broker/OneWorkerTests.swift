import BrokerKit
import Foundation
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite
import Testing

extension EndToEnd {
    @Suite struct OneWorker {
        @Test("a second worker on the same ledger is refused, and its error says what to do")
        func secondWorkerOnLedgerIsRefused() async throws {
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let second = try system.startWorker(["BOS_HTTP_LISTEN": "127.0.0.1:0"], log: "second.log")
                #expect(await second.exitCode() == 78)
                #expect(second.output.contains("one worker at a time can use a SQLite ledger"), "\(second.output)")
                #expect(await system.isReady(), "the first worker is not disturbed")
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("a second worker on the same virtual host is refused once it is certain that the first one runs")
        func secondWorkerOnVirtualHostIsRefused() async throws {
            try await System.run { system in
                // Two files of one ledger: a copy has the identity of its original.
                #expect(await system.stop(try await system.startReadyWorker()) == 0)
                let copy = system.folder.appendingPathComponent("copy.sqlite")
                let original = system.folder.appendingPathComponent("ledger.sqlite")
                #expect(!FileManager.default.fileExists(atPath: original.path + "-wal"), "an ended worker leaves a ledger of one file")
                try FileManager.default.copyItem(at: original, to: copy)
                let worker = try await system.startReadyWorker()
                let second = try system.startSecondWorker(ledger: copy.path)
                #expect(await second.exitCode() == 78)
                #expect(second.output.contains("another worker is consuming from this broker's virtual host"), "\(second.output)")
                #expect(await system.isReady(), "the first worker is not disturbed")
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test(
            "a worker with another ledger takes no job of the virtual host, even without another worker, until a person deletes the marker")
        func workerOfAnotherLedgerIsRefused() async throws {
            try await System.run { system in
                #expect(await system.stop(try await system.startReadyWorker()) == 0)
                try await system.upstream.publishRecharges(["waits"])
                let other = ["BOS_LEDGER_URL": "sqlite:\(system.folder.path)/other.sqlite"]
                let refused = try system.startWorker(other, log: "refused.log")
                #expect(await refused.exitCode() == 78)
                #expect(refused.output.contains("are recorded in another ledger"), "\(refused.output)")
                #expect(try await system.executions().isEmpty)
                #expect(try await system.upstream.depth(of: system.names.recharge) == 1)
                try await system.broker.ctl("delete_queue", system.names.ledger)
                let admitted = try await system.startReadyWorker(other)
                try await system.upstream.waitForFinals(1)
                #expect(await system.stop(admitted) == 0)
            }
        }

        @Test("a worker without the lock publishes no reply and sets no marker on the virtual host")
        func workerWithoutLockPublishesNothing() async throws {
            try await System.run { system in
                let other = "\(system.folder.path)/other.sqlite"
                try await Self.oweReply(system, in: other)
                let worker = try await system.startReadyWorker()
                try await system.broker.ctl("delete_queue", system.names.ledger)
                let second = try system.startSecondWorker(ledger: other)
                #expect(await second.exitCode() == 78)
                #expect(second.output.contains("another worker is consuming"), "\(second.output)")
                #expect(try await Self.repliesOwed(in: other) == 1)

                #expect(await system.stop(worker) == 0)
                #expect(await system.stop(try await system.startReadyWorker()) == 0)
                try await system.broker.ctl("delete_queue", system.names.ledger)
                let rightful = try await system.startReadyWorker(["BOS_LEDGER_URL": "sqlite:\(other)"])
                try await system.upstream.waitForFinals(1)
                #expect(await system.stop(rightful) == 0)
            }
        }

        @Test("with amqp.declareTopology false, worker and poller need only the rights on the broker that operating.md names")
        func documentedRightsSuffice() async throws {
            try await System.run { system in
                #expect(await system.stop(try await system.startReadyWorker()) == 0)
                try await system.broker.ctl("delete_queue", system.names.ledger)
                func settings(_ user: String) async throws -> [String: String] {
                    let name = "\(system.names.prefix)-\(user)"
                    let rights = try Self.documentedRights(of: user, system.names)
                    try await system.broker.ctl("add_user", name, "secret")
                    try await system.broker.ctl("set_permissions", name, rights.configure, rights.write, rights.read)
                    let url = system.broker.url.replacing("guest:guest", with: "\(name):secret")
                    return ["BOS_AMQP_DECLARE_TOPOLOGY": "false", "BOS_AMQP_URLS": url]
                }
                let worker = try await system.startReadyWorker(settings("worker"))
                let (poller, http) = try system.startPoller(await settings("poller"))
                #expect(await eventually { try await Web.get("\(http)/readyz").status == 200 }, "\(poller.output)")
                try await system.upstream.publishRecharges(["one"])
                try await system.upstream.publish(Upstream.recharge("one", amount: "2"), as: "refused")
                try await system.upstream.publish([], as: "dead")
                try await system.upstream.publish(Upstream.recharge("two"), as: "gone", replyTo: "amq.gen-gone")
                try await system.upstream.waitForFinals(3)
                try #require(await eventually { try await system.upstream.depth(of: system.names.unrouted) == 1 })
                try #require(await eventually { try await system.upstream.depth(of: system.names.dead) == 1 })
                poller.send(SIGTERM)
                #expect(await poller.exitCode() == 0)
                #expect(await system.stop(worker) == 0)
                for user in ["worker", "poller"] { try await system.broker.ctl("delete_user", "\(system.names.prefix)-\(user)") }
            }
        }

        @Test("a worker that is stopped before it has reached a broker exits with 0 and keeps the replies that it owes")
        func stopWithoutBrokerKeepsOwedReplies() async throws {
            try await System.run { system in
                let ledger = "\(system.folder.path)/ledger.sqlite"
                try await Self.oweReply(system, in: ledger)
                let worker = try system.startWorker(["BOS_AMQP_URLS": "amqp://127.0.0.1:1"])
                let isTrying = await eventually { try await Web.get("\(system.http)/readyz").text.contains("127.0.0.1:1") }
                try #require(isTrying, "\(worker.output)")
                #expect(await system.stop(worker) == 0)
                #expect(try await Self.repliesOwed(in: ledger) == 1)
            }
        }

        /// The rights that the table of operating.md#rights-on-the-broker gives the program, as patterns of this test's names.
        static func documentedRights(
            of program: String, _ names: Names
        ) throws -> (configure: String, write: String, read: String) {
            let own = [
                "bos.worker.lock": names.lock, "bos.worker.ledger": names.ledger, "bos.replies": names.replies, "bos.dead": names.dead,
                "bos.unrouted": names.unrouted, "bos.recharge": names.recharge, "bos.status": names.status, "bos.jobs": names.jobs,
                "amq.default": "amq.default",
            ]
            let rows = Document(try Documents.text("deploy/docs/operating.md")).rows(beginning: program)
            try #require(rows.count == 1 && rows[0].count == 4, "the table needs one row with three rights for the \(program)")
            let patterns = try rows[0].map { cell in
                let objects = try cell.matches(of: /`([a-z.]+)`/).map { try #require(own[String($0.1)], "\($0.1)") }
                return "^(\(objects.joined(separator: "|")))$"
            }
            return (patterns[1], patterns[2], patterns[3])
        }

        private static func oweReply(_ system: System, in path: String) async throws {
            let recipient = Sample.recipient("owed", replyTo: system.names.replyQueue)
            let ledger = try await SQLiteLedger.open(.init(path: path, owner: "test"))
            _ = try await ledger.claim(Sample.claim(Sample.job(.recharge, reference: "owed"), recipient: recipient, state: .succeeded))
            await ledger.close()
        }

        private static func repliesOwed(in path: String) async throws -> Int {
            try await SQLiteLedger.openReadOnly(path: path).closing { try await $0.summary().unpublishedReplies }
        }
    }
}
