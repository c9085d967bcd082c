import BOSClient
import JobEngine
import Secrets
import Testing

@testable import Daemon

@Suite("What the settings are for", .timeLimit(.minutes(1)))
struct ComponentsTests {
    /// How BOS is called and read, and how jobs are treated; but for the rate and the permission of `http://`, which are no component's, and
    /// secrets, which cannot be seen.
    static let names = SettingKey.all.filter { key in
        ["api.", "pan.", "retry.", "breaker.", "poller.", "jobs.", "auth."].contains { key.name.hasPrefix($0) }
            && !["api.ratePerSecond", "api.allowPlainHTTP"].contains(key.name) && !key.isSecret
    }.map(\.name)

    @Test("no setting is read and then forgotten: each changes the configuration of a component", arguments: names)
    func everySettingArrives(name: String) throws {
        let key = try #require(SettingKey.all.first { $0.name == name })
        var before = Self.complete
        // What names the action is only looked at while purchases are watched.
        before.jobs.duplicateWindow = .seconds(60)
        if name == "auth.tokenFile" { before.auth.mode = .file }
        let changed = [
            "7", "31s", "11m", "https://other.example/x", "/other", "park", "refuse", "file", "none", "believe", "refid", "other",
        ].lazy.compactMap {
            value in
            var settings = before
            return key.assign([value], &settings) && key.spelled(settings) != key.spelled(before) ? settings : nil
        }.first
        let after = try #require(changed, "no other value is known for \(name)")
        #expect(Self.components(before) == Self.components(before))
        #expect(Self.components(after) != Self.components(before))
    }

    @Test("the merchant's key arrives where PAN checks are sent")
    func merchantKey() {
        var settings = Settings(for: .worker)
        #expect(settings.bosConfiguration.pan.nepKey == nil)
        settings.pan.nepKey = Secret("key")
        #expect(settings.bosConfiguration.pan.nepKey?.revealed == "key")
    }

    /// With everything set that another setting needs.
    private static var complete: Settings {
        var settings = Settings(for: .worker)
        settings.auth.mode = .authorise
        settings.auth.url = "https://auth.example/authorise"
        settings.auth.clientID = "client"
        settings.auth.clientSecret = Secret("secret")
        return settings
    }

    /// Line by line.
    private static func components(_ settings: Settings) -> [Substring] {
        var text = ""
        dump(settings.bosConfiguration, to: &text)
        dump(settings.engineConfiguration, to: &text)
        dump(settings.pollerConfiguration, to: &text)
        dump(settings.laneConfiguration(concurrency: settings.jobs.rechargeConcurrency), to: &text)
        dump(settings.laneConfiguration(concurrency: settings.jobs.statusConcurrency), to: &text)
        return text.split(separator: "\n")
    }
}
