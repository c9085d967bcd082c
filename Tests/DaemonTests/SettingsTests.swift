import BOSClient
import DocumentKit
import Foundation
import JobEngine
import JobModel
import Logging
import Observability
import Secrets
import Testing

@testable import Daemon

@Suite("Settings", .timeLimit(.minutes(1)))
struct SettingsTests {
    @Test("without a file and without variables all values are the defaults of configuration.md")
    func defaults() throws {
        let settings = try ConfigurationFixture().load().settings
        #expect(settings.brokerURLs.map(\.revealed) == ["amqp://guest:guest@127.0.0.1:5672/%2f"])
        #expect(settings.bos.baseURL == "https://api.bos.center/api/BOS")
        #expect(settings.engine.rules.registerID == nil)
        #expect(settings.bos.requestTimeout == .seconds(30))
        #expect(settings.authMode == .none)
        #expect(settings.lane.limit.maximum == 64)
        #expect(settings.statusConcurrency == 32)
        #expect(settings.engine.deliveryTimeout == .seconds(60))
        #expect(settings.engine.policy.notFound.answers == 3)
        #expect(settings.engine.policy.notFound.window == .seconds(120))
        #expect(settings.engine.policy.doubtMaximumAge == .seconds(86_400))
        #expect(settings.ledgerPath == "./ledger.sqlite")
        #expect(settings.http.host == "127.0.0.1")
        #expect(settings.http.port == 9464)
        #expect(settings.engine.policy.pan.firstCheckAfter == .seconds(900))
        #expect(settings.engine.policy.pan.maximumInterval == .seconds(6 * 3600))
        #expect(settings.engine.policy.pan.maximumAge == .seconds(30 * 86_400))
        #expect(settings.drainTimeout == .seconds(25))
    }

    @Test("the poller listens on its own port")
    func pollerPort() {
        #expect(Settings(for: .poller).http.port == 9465)
    }

    @Test("the ledger is in the first state directory of systemd")
    func stateDirectory() throws {
        let settings = try ConfigurationFixture(variables: ["STATE_DIRECTORY": "/var/lib/bos-worker:/var/lib/more"]).load().settings
        #expect(settings.ledgerPath == "/var/lib/bos-worker/ledger.sqlite")
    }

    @Test("the command line wins over the environment, and the environment over the file")
    func precedence() throws {
        var fixture = ConfigurationFixture(file: "api: {requestTimeout: 11s, connectTimeout: 1s, registerID: file}")
        fixture.variables = ["BOS_API_REQUEST_TIMEOUT": "12s", "BOS_API_CONNECT_TIMEOUT": "2s"]
        fixture.options = ["--api.requestTimeout=13s"]
        let settings = try fixture.load().settings
        #expect(settings.bos.requestTimeout == .seconds(13))
        #expect(settings.bos.connectTimeout == .seconds(2))
        #expect(settings.engine.rules.registerID == "file")
    }

    @Test("an option has an equals sign or a space before its value")
    func optionSpellings() throws {
        let settings = try ConfigurationFixture(options: ["--log.level", "debug", "--api.registerID=a=b,c"]).load().settings
        #expect(settings.log.level == .debug)
        #expect(settings.engine.rules.registerID == "a=b,c")
    }

    @Test("a list is a YAML list, or a text with commas, in every source")
    func lists() throws {
        let urls = ["amqp://one", "amqp://two:1/v"]
        for file in ["amqp:\n  urls:\n    - amqp://one\n    - amqp://two:1/v\n", "amqp:\n  urls: amqp://one, amqp://two:1/v\n"] {
            #expect(try ConfigurationFixture(file: file).load().settings.brokerURLs.map(\.revealed) == urls)
        }
        let joined = urls.joined(separator: ",")
        #expect(try ConfigurationFixture(variables: ["BOS_AMQP_URLS": joined]).load().settings.brokerURLs.map(\.revealed) == urls)
        #expect(try ConfigurationFixture(options: ["--amqp.urls=\(joined)"]).load().settings.brokerURLs.map(\.revealed) == urls)
        let repeated = ["--amqp.urls", urls[0], "--amqp.urls", urls[1]]
        #expect(try ConfigurationFixture(options: repeated).load().settings.brokerURLs.map(\.revealed) == urls)
    }

    @Test("an entry of a YAML list may hold a comma, and a list may be empty")
    func listEntries() throws {
        let file = "pan:\n  pendingPatterns: [\"wait, please\"]\napi:\n  acceptedCodes: []\n"
        let settings = try ConfigurationFixture(file: file).load().settings
        #expect(settings.bos.pan.pendingPatterns == ["wait, please"])
        #expect(settings.bos.codes.accepted == [])
    }

    @Test("each key can be set to its default from each source", arguments: SettingKey.all.map(\.name))
    func eachKeyIsReadFromEachSource(name: String) throws {
        let key = try #require(SettingKey.all.first { $0.name == name })
        var reference = Settings(for: .worker)
        let example = try #require(
            key.formatted(reference) ?? Self.examples[name] ?? key.anotherValue(than: reference), "no value is known for \(name)")
        #expect(key.assign(key.isList ? ConfigurationLayer.separated(example) : [example], &reference))
        var fromVariable = ConfigurationFixture(variables: [key.environmentName: example])
        fromVariable.variables.merge(Self.companions[name] ?? [:]) { own, _ in own }
        #expect(key.formatted(try fromVariable.load().settings) == key.formatted(reference))
        var fromOption = ConfigurationFixture(options: ["--\(name)=\(example)"])
        fromOption.variables = Self.companions[name] ?? [:]
        #expect(key.formatted(try fromOption.load().settings) == key.formatted(reference))
        var fromFile = ConfigurationFixture(file: "\(name): \"\(example)\"")
        fromFile.variables = Self.companions[name] ?? [:]
        #expect(key.formatted(try fromFile.load().settings) == key.formatted(reference))
    }

    /// Values of keys without a default. A key that is not here gets the first one that fits it.
    private static let examples = [
        "api.ratePerSecond": "50", "jobs.recharge.duplicateWindow": "10m",
        "amqp.tls.certificateFile": "/certificate.pem", "amqp.tls.keyFile": "/key.pem",
        "api.registerID": "1234", "api.finalCodes": "3,4", "api.postponedCodes": "6",
        "pan.failedCodes": "9", "api.enquiry.failedCodes": "7",
        "api.formerly": "https://old.example:443/DoRecharge (auth none)", "auth.tokenFile": "/token",
        "auth.url": "https://auth.example/authorize",
        "auth.clientID": "client", "auth.clientSecret": "hunter2", "auth.publicKeyFile": "/public.pem",
        "pan.nepKey": "nep", "pan.domain": "example.org", "pan.partnerID": "7", "pan.nepID": "8",
    ]
    /// The variables that a key needs beside it.
    private static let companions = [
        "amqp.tls.certificateFile": ["BOS_AMQP_TLS_KEY_FILE": "/key.pem"],
        "amqp.tls.keyFile": ["BOS_AMQP_TLS_CERTIFICATE_FILE": "/certificate.pem"],
    ]

    @Test("the variables have the names of configuration.md")
    func variableNames() {
        let expected = [
            "api.baseURL": "BOS_API_BASE_URL", "amqp.urls": "BOS_AMQP_URLS", "api.registerID": "BOS_API_REGISTER_ID",
            "auth.clientID": "BOS_AUTH_CLIENT_ID", "auth.clientSecret": "BOS_AUTH_CLIENT_SECRET", "auth.tokenFile": "BOS_AUTH_TOKEN_FILE",
            "jobs.recharge.concurrency": "BOS_JOBS_RECHARGE_CONCURRENCY", "retry.settle.window": "BOS_RETRY_SETTLE_WINDOW",
            "poller.pan.firstCheckAfter": "BOS_POLLER_PAN_FIRST_CHECK_AFTER", "amqp.tls.caFile": "BOS_AMQP_TLS_CA_FILE",
            "api.enquiry.fields.registerID": "BOS_API_ENQUIRY_FIELDS_REGISTER_ID", "pan.nepID": "BOS_PAN_NEP_ID",
            "retry.doubt.maximumAge": "BOS_RETRY_DOUBT_MAXIMUM_AGE", "shutdown.drainTimeout": "BOS_SHUTDOWN_DRAIN_TIMEOUT",
        ]
        for (name, variable) in expected {
            #expect(SettingKey.all.first { $0.name == name }?.environmentName == variable)
        }
        let all = SettingKey.allNames.map { SettingKey.environmentName(of: $0) }
        #expect(Set(all).count == SettingKey.allNames.count)
        #expect(all.allSatisfy { $0.hasPrefix("BOS_") && $0.allSatisfy { $0.isUppercase || $0.isNumber || $0 == "_" } })
    }

    @Test("a secret can be given as a file in every source")
    func secretFiles() throws {
        let secret = ["client": "s3cret\n", "urls": "amqp://one\namqp://two\n\n"]
        var fixture = ConfigurationFixture(file: "auth:\n  clientSecretFile: $DIR/client\n", others: secret)
        fixture.variables["BOS_AMQP_URLS_FILE"] = "$DIR/urls"
        let settings = try fixture.load().settings
        #expect(settings.authorise.clientSecret.revealed == "s3cret")
        #expect(settings.brokerURLs.map(\.revealed) == ["amqp://one", "amqp://two"])
        #expect(
            try ConfigurationFixture(options: ["--ledger.urlFile=$DIR/l"], others: ["l": "sqlite:/x"]).load().settings.ledgerPath
                == "/x")
    }

    @Test("a byte order mark before a secret in its file is no part of the secret")
    func secretFileWithMark() throws {
        let fixture = ConfigurationFixture(
            options: ["--pan.nepKeyFile=$DIR/key", "--amqp.urlsFile=$DIR/urls"],
            others: ["key": "\u{FEFF}s3cret\r\n", "urls": "\u{FEFF}amqp://one\r\namqp://two\r\n"])
        let settings = try fixture.load().settings
        #expect(settings.bos.pan.nepKey?.revealed == "s3cret")
        #expect(settings.brokerURLs.map(\.revealed) == ["amqp://one", "amqp://two"])
    }

    @Test("a secret on the command line wins over its file in the environment")
    func secretPrecedence() throws {
        var fixture = ConfigurationFixture(options: ["--auth.clientSecret=typed"], others: ["client": "filed"])
        fixture.variables["BOS_AUTH_CLIENT_SECRET_FILE"] = "$DIR/client"
        #expect(try fixture.load().settings.authorise.clientSecret.revealed == "typed")
    }

    @Test(
        "an empty file, a file of comments and sections without keys are allowed",
        arguments: ["", "# api:\n#  x: 1\n", "---\n", "api:\nlog:\n  # level: debug\n"])
    func emptyFiles(file: String) throws {
        #expect(try ConfigurationFixture(file: file).load().settings.bos.requestTimeout == .seconds(30))
    }

    @Test("a secret cannot be printed")
    func secretIsNotPrinted() {
        var settings = Settings(for: .worker)
        settings.bos.pan.nepKey = Secret("hush-hush")
        var dumped = ""
        dump(settings, to: &dumped)
        #expect("\(Secret("hush-hush"))" == "<redacted>")
        #expect(!"\(settings) \(String(reflecting: settings)) \(dumped)".contains("hush-hush"))
    }

    @Test("configuration.md has the reference's row of every key, and no other")
    func documentedKeys() throws {
        try DocumentTable(
            in: "deploy/docs/configuration.md", columns: SettingsReference.columns, rows: SettingsReference.rows
        ).expectCurrent()
    }

    @Test("the reference has a row for every key, with its variable, its default and its meaning")
    func reference() {
        for key in SettingKey.all {
            #expect(SettingsReference.markdown.contains("| `\(key.name)` | `\(key.environmentName)` |"))
        }
        #expect(SettingsReference.markdown.contains("| `api.requestTimeout` | `BOS_API_REQUEST_TIMEOUT` | `30s` |"))
        #expect(SettingsReference.markdown.contains("secret, also as a file: `auth.clientSecretFile`"))
    }
}
