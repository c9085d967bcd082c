import AMQP
import BOSClient
import JobEngine
import JobModel
import Secrets
import Testing

@testable import Daemon

@Suite("Derived configuration", .timeLimit(.minutes(1)))
struct DerivedConfigurationTests {
    /// The keys of the sections about BOS and jobs. Two keys are left out because no component's configuration holds them: the rate, and
    /// the permission of `http://`. Secrets are left out because a dump does not show them.
    static let names = SettingKey.all.filter { key in
        ["api.", "pan.", "retry.", "breaker.", "poller.", "jobs.", "auth."].contains { key.name.hasPrefix($0) }
            && !["api.ratePerSecond", "api.allowPlainHTTP"].contains(key.name) && !key.isSecret
    }.map(\.name)

    @Test("each key changes the configuration of a component", arguments: names)
    func eachKeyChangesAComponent(name: String) throws {
        let key = try #require(SettingKey.all.first { $0.name == name })
        var before = Self.complete
        // The duplicate action only matters while there is a duplicate window.
        before.duplicateWindow = .seconds(60)
        if name == "auth.tokenFile" { before.authMode = .file }
        var after = before
        let value = try #require(key.anotherValue(than: before), "no other value is known for \(name)")
        #expect(key.assign([value], &after))
        #expect(Self.components(before) == Self.components(before))
        #expect(Self.components(after) != Self.components(before))
    }

    @Test("each key of response codes sets the list of that name, which classifier, checks and bosctl codes read")
    func responseCodeLists() throws {
        let keys = SettingKey.all.filter { $0.name.wholeMatch(of: /api\.\w+Codes/) != nil }
        #expect(keys.map(\.name) == BOSConfiguration.ResponseCodes().lists.map(\.key), "add a row to ResponseCodes.lists")
        for key in keys {
            var settings = Settings(for: .worker)
            #expect(key.assign(["77"], &settings))
            #expect(settings.bosConfiguration.codes.lists.filter { $0.codes == [77] }.map(\.key) == [key.name])
        }
    }

    @Test("pan.nepKey reaches the client that sends PAN checks")
    func nepKeyReachesClient() throws {
        let key = try #require(SettingKey.all.first { $0.name == "pan.nepKey" })
        var settings = Settings(for: .worker)
        #expect(settings.bosConfiguration.pan.nepKey == nil)
        #expect(key.assign(["key"], &settings))
        #expect(settings.bosConfiguration.pan.nepKey?.revealed == "key")
    }

    @Test("client and engine have the same request time-out, and half of it is the latency target of both lanes")
    func requestTimeoutIsShared() {
        var settings = Settings(for: .worker)
        settings.bos.requestTimeout = .seconds(8)
        #expect(settings.bosConfiguration.requestTimeout == .seconds(8))
        #expect(settings.engineConfiguration.requestTimeout == .seconds(8))
        for lane in JobLane.allCases { #expect(settings.laneConfiguration(lane).limit.latencyTarget == .seconds(4)) }
    }

    @Test("each lane has its own concurrency, and the client has a connection for each job of both lanes")
    func concurrencyOfLanes() throws {
        let settings = try ConfigurationFixture(
            options: ["--jobs.recharge.concurrency=7", "--jobs.status.concurrency=5", "--breaker.failurePercent=29"]
        ).load().settings
        let (money, questions) = (settings.laneConfiguration(.money), settings.laneConfiguration(.questions))
        #expect([money, questions].map(\.limit.maximum) == [7, 5])
        #expect([money, questions].map(\.breaker.failureShare) == [0.29, 0.29])
        #expect(settings.bosConfiguration.maximumConnections == 7 + 5 + 8)
    }

    @Test("topology, engine and poller use the same exchanges")
    func exchangesAreShared() {
        var settings = Settings(for: .worker)
        settings.topology.exchanges.jobs = "other.jobs"
        settings.topology.exchanges.replies = "other.replies"
        #expect(settings.pollerConfiguration.exchange == "other.jobs")
        #expect(settings.engineConfiguration.exchanges.replies == "other.replies")
        #expect(settings.topology.replyItems(ledger: "").contains(.exchange(name: "other.replies", kind: "topic")))
    }

    @Test("the poller knows the longest pauses of the engine")
    func pollerKnowsLongestPauses() {
        var settings = Settings(for: .poller)
        settings.engine.policy.pan.maximumInterval = .seconds(30 * 86_400)
        #expect(settings.pollerConfiguration.longestPauses == settings.engineConfiguration.policy.longestPauses)
    }

    @Test("the broker's configuration has every URL and the program's name", arguments: [Settings.Program.worker, .poller, nil])
    func brokerConfiguration(program: Settings.Program?) throws {
        let configuration = try ConfigurationFixture(
            program: program, options: ["--amqp.urls=amqp://one,amqp://two", "--amqp.heartbeat=7s"]
        ).load().settings.brokerConfiguration()
        #expect(configuration.urls.map(\.host) == ["one", "two"])
        #expect(configuration.heartbeat == .seconds(7))
        #expect(configuration.connectionName == program?.rawValue ?? "bosctl")
    }

    @Test("the destination of recharges is the API and account that the client calls")
    func destinationOfRecharges() {
        let settings = Self.complete
        #expect(settings.engineConfiguration.policy.destination == settings.bosConfiguration.destination)
        #expect(settings.engineConfiguration.policy.destination.contains("authorise "))
    }

    @Test("no pause between tries is longer than retry.maximumBackoff, not even while BOS answers \"not now\"")
    func maximumBackoffHolds() {
        var settings = Settings(for: .worker)
        settings.engine.policy.send.maximum = .milliseconds(500)
        let policy = settings.engineConfiguration.policy
        #expect(policy.send.maximum == .milliseconds(500))
        #expect(policy.postponed.maximum == .milliseconds(500))
    }

    /// Settings in which every value that another value needs is set.
    private static var complete: Settings {
        var settings = Settings(for: .worker)
        settings.authMode = .authorise
        settings.authorise = .init(url: "https://auth.example/authorise", clientID: "client", clientSecret: Secret("secret"))
        return settings
    }

    private static func components(_ settings: Settings) -> String {
        var text = ""
        dump(settings.bosConfiguration, to: &text)
        dump(settings.engineConfiguration, to: &text)
        dump(settings.pollerConfiguration, to: &text)
        for lane in JobLane.allCases { dump(settings.laneConfiguration(lane), to: &text) }
        return text
    }
}
