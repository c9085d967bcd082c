import JobEngine
import JobModel
import Testing

@testable import Daemon

@Suite("Wrong configuration", .timeLimit(.minutes(1)))
struct ConfigurationProblemTests {
    @Test(
        "a wrong value is reported with its key, its place and the right format",
        arguments: [
            ("api.requestTimeout", "30", "a duration from 100ms to 450s"), ("api.requestTimeout", "1s ", "a duration"),
            ("api.requestTimeout", "11m", "a duration"), ("api.requestTimeout", "99999999999999999999d", "a duration"),
            ("api.requestTimeout", "9223372036854775807d", "a duration"), ("api.requestTimeout", "-5s", "a duration"),
            ("amqp.heartbeat", "1500ms", "whole seconds"), ("jobs.recharge.concurrency", "0", "a whole number from 1 to 4096"),
            ("jobs.recharge.concurrency", "many", "a whole number"), ("jobs.maximumAmount", "10.001", "rupees"),
            ("jobs.maximumAmount", "0", "rupees"), ("jobs.maximumAmount", "1e3", "rupees"),
            ("amqp.declareTopology", "yes", "true or false"),
            ("amqp.queueType", "mirrored", "one of quorum, classic"), ("auth.mode", "oauth", "one of none, file, authorise"),
            ("log.level", "loud", "one of trace, debug"), ("log.format", "xml", "one of auto, human, json"),
            ("http.listen", "9464", "127.0.0.1:9464"), ("http.listen", "host:99999", "an address and a port"),
            ("http.listen", "::1:80", "[::1]:9464"), ("api.baseURL", "api.bos.center", "a URL"), ("api.baseURL", "ftp://x", "a URL"),
            ("api.baseURL", "https://x/?token=1", "a URL"), ("amqp.queues.status", "amq.status", "does not start with amq."),
            ("amqp.queues.status", String(repeating: "q", count: 256), "at most 255 bytes"),
            ("auth.headers.clientID", "X Id", "HTTP header"),
            ("api.acceptedCodes", "0,two", "a list"), ("retry.settle.answers", "0", "a whole number from 1"),
        ])
    func wrongValue(name: String, text: String, expected: String) throws {
        let variable = SettingKey.environmentName(of: name)
        let sources: [(ConfigurationFixture, String)] = [
            (ConfigurationFixture(options: ["--\(name)=\(text)"]), "command line"),
            (ConfigurationFixture(variables: [variable: text]), "environment variable \(variable)"),
            (ConfigurationFixture(file: "\(name): \"\(text)\""), "/config.yaml"),
        ]
        for (fixture, place) in sources {
            let problems = fixture.problems()
            let problem = try #require(problems.first)
            #expect(problems.count == 1)
            #expect(problem.key == name)
            #expect("\(problem.origin)".contains(place))
            #expect(problem.advice.contains(expected))
        }
    }

    @Test("lock and marker keep their names while the job queue keeps its own", arguments: ["lock", "ledger"])
    func guardQueueNames(name: String) throws {
        let problem = try #require(ConfigurationFixture(options: ["--amqp.queues.\(name)=other"]).problems().first)
        #expect(problem.key == "amqp.queues.\(name)")
        #expect(problem.advice.contains("leave it at bos.worker.\(name)"))
        let both = ConfigurationFixture(options: ["--amqp.queues.\(name)=other", "--amqp.queues.recharge=other.recharge"])
        #expect(both.problems().isEmpty)
    }

    @Test("all problems are reported together, and the exit code is 78")
    func allProblemsAtOnce() throws {
        var fixture = ConfigurationFixture(options: ["--log.level=loud"], file: "api: {requestTimeout: soon}\njobs: {tiemout: 5s}")
        fixture.variables["BOS_JOBS_STATUS_CONCURRENCY"] = "-1"
        let error = #expect(throws: ConfigurationError.self) { try fixture.load() }
        #expect(Set(error?.problems.map(\.key) ?? []) == ["log.level", "api.requestTimeout", "jobs.tiemout", "jobs.status.concurrency"])
        #expect(error?.exitCode == .configuration)
        let text = "\(try #require(error))"
        #expect(text.hasPrefix("The configuration has 4 problems:\n"))
        #expect(text.split(separator: "\n").count == 5)
        #expect(
            text.contains(
                "jobs.status.concurrency (environment variable BOS_JOBS_STATUS_CONCURRENCY): \"-1\" is not right; write a whole number"))
    }

    @Test("an unknown key of the file is an error that suggests the known one")
    func unknownKey() throws {
        let problem = try #require(ConfigurationFixture(file: "retry:\n  setle:\n    window: 2m\n").problems().first)
        #expect(problem.key == "retry.setle.window")
        #expect(problem.fault == "there is no such key")
        #expect(problem.advice == "did you mean retry.settle.window?")
        let strange = try #require(ConfigurationFixture(file: "colour: blue").problems().first)
        #expect(strange.advice.contains("--print-configuration-keys"))
    }

    @Test("an unknown option is a usage error with exit code 64")
    func unknownOption() throws {
        let fixture = ConfigurationFixture(options: ["--api.baseUrl", "http://x", "--nonsense", "stray", "loose"])
        let error = try #require(#expect(throws: ConfigurationError.self) { try fixture.load() })
        #expect(error.exitCode == .usage)
        #expect(error.problems.map(\.key) == ["--api.baseUrl", "--nonsense", "the argument"])
        #expect(error.problems[0].advice == "did you mean --api.baseURL?")
    }

    @Test("an option without a value, or one given twice, is an error")
    func incompleteOptions() {
        #expect(ConfigurationFixture(options: ["--log.level"]).problems().map(\.fault) == ["the option has no value"])
        let twice = ConfigurationFixture(options: ["--log.level=info", "--log.level=debug"]).problems()
        #expect(twice.map(\.fault) == ["the option is given 2 times"])
    }

    @Test("an unknown variable is an error if its name is nearly right, and otherwise a warning")
    func unknownVariables() throws {
        let slip = try #require(ConfigurationFixture(variables: ["BOS_API_BASEURL": "http://x"]).problems().first)
        #expect(slip.advice == "did you mean BOS_API_BASE_URL?")
        let fixture = ConfigurationFixture(variables: ["BOS_PORT_80_TCP_ADDR": "10.0.0.1", "HOME": "/"])
        #expect(try fixture.load().warnings == ["the environment variable BOS_PORT_80_TCP_ADDR sets no key and was ignored"])
    }

    @Test(
        "a secret on the command line gets a warning that says what to do instead, and is not shown",
        arguments: [
            ("--amqp.urls=amqp://bos:hush-hush@broker/bos", "--amqp.urlsFile=FILE"),
            ("--auth.clientSecret=hush-hush", "--auth.clientSecretFile=FILE"),
        ])
    func secretOnCommandLine(option: String, advice: String) throws {
        let warnings = try ConfigurationFixture(options: [option]).load().warnings
        #expect(warnings.count == 1)
        #expect(warnings.allSatisfy { $0.contains("every user of this machine can read it") && $0.contains(advice) }, "\(warnings)")
        #expect(!"\(warnings)".contains("hush-hush"))
    }

    @Test("what is no secret on the command line, and a secret elsewhere, get no warning")
    func noSecretOnCommandLine() throws {
        let options = ["--amqp.urls=amqp://guest:guest@broker,amqp://other", "--ledger.url=sqlite:l", "--log.level=debug"]
        #expect(try ConfigurationFixture(options: options).load().warnings == [])
        #expect(try ConfigurationFixture(variables: ["BOS_AMQP_URLS": "amqp://bos:hush-hush@broker"]).load().warnings == [])
    }

    @Test("a ledger in another store is refused by an error that offers what works, and nothing else")
    func otherStore() throws {
        let problem = try #require(ConfigurationFixture(options: ["--ledger.url=postgresql://bos@db/bos"]).problems().first)
        #expect(problem.key == "ledger.url")
        #expect(problem.advice == "write sqlite:PATH, such as sqlite:/var/lib/bos-worker/ledger.sqlite")
    }

    @Test("an empty value is an error in every source")
    func emptyValues() {
        #expect(ConfigurationFixture(variables: ["BOS_API_REGISTER_ID": ""]).problems().map(\.fault) == ["the value is empty"])
        #expect(ConfigurationFixture(options: ["--api.registerID="]).problems().map(\.fault) == ["the value is empty"])
        #expect(ConfigurationFixture(file: "api:\n  registerID:\n").problems().map(\.fault) == ["the value is empty"])
        #expect(ConfigurationFixture(variables: ["BOS_AMQP_URLS": "amqp://a,"]).problems().map(\.fault) == ["the value is empty"])
    }

    @Test("a null in the file is an error, and a text that only looks like one elsewhere is not", arguments: ["~", "null", "Null", "NULL"])
    func nullValues(null: String) throws {
        let file = "api:\n  registerID: \(null)\npan: {nepKey: \(null)}\namqp: {urls: [\(null)]}\n"
        let problems = ConfigurationFixture(file: file).problems()
        #expect(Set(problems.map(\.key)) == ["api.registerID", "pan.nepKey", "amqp.urls"])
        #expect(problems.allSatisfy { $0.fault == "the value is null, which is no value in YAML" })
        #expect(problems.allSatisfy { $0.advice.hasSuffix("or leave the key out to get its default") })
        #expect(try ConfigurationFixture(options: ["--api.registerID=\(null)"]).load().settings.engine.rules.registerID == null)
    }

    @Test("a variable whose value stands in quotation marks is an error; elsewhere, and inside a value, they are a part of it")
    func quotedVariables() throws {
        for text in ["\"1234\"", "'1234'", "\"\""] {
            let problem = try #require(ConfigurationFixture(variables: ["BOS_API_REGISTER_ID": text]).problems().first)
            #expect(problem.fault == "the value stands in quotation marks, and they count as a part of it", "\(text)")
            #expect(problem.advice == "write it without them")
        }
        let list = ConfigurationFixture(variables: ["BOS_AMQP_URLS": "\"amqp://u:hunter2@host\""]).problems()
        #expect(list.map(\.advice) == ["write it without them"] && !"\(list)".contains("hunter2"))
        for text in ["12\"34", "\"12", "'"] {
            #expect(try ConfigurationFixture(variables: ["BOS_API_REGISTER_ID": text]).load().settings.engine.rules.registerID == text)
        }
        #expect(try ConfigurationFixture(options: ["--api.registerID='7'"]).load().settings.engine.rules.registerID == "'7'")
    }

    @Test(
        "a broker's URL with an unescaped special character in its password is an error that says how to write it",
        arguments: ["a,b", "a#b", "a?b", "a/b"])
    func specialCharactersInPassword(password: String) throws {
        let problems = ConfigurationFixture(variables: ["BOS_AMQP_URLS": "amqp://user:\(password)@host/%2f"]).problems()
        let problem = try #require(problems.first)
        #expect(problem.key == "amqp.urls" && problem.advice.contains("# as %23, ? as %3f and a comma as %2c"))
        #expect(!"\(problems)".contains(password))
    }

    @Test("a list, a value or a section in the wrong place is an error")
    func wrongShapes() {
        #expect(ConfigurationFixture(file: "log: {level: [info]}").problems().map(\.fault) == ["a list stands where one value belongs"])
        #expect(ConfigurationFixture(file: "log: info").problems().map(\.fault) == ["a value stands where a section belongs"])
        #expect(ConfigurationFixture(file: "log: {level: {of: info}}").problems().map(\.key) == ["log.level.of"])
        #expect(ConfigurationFixture(file: "log.level: info\nlog: {level: debug}").problems().map(\.key).contains("log.level"))
    }

    @Test(
        "a file that is no YAML is an error that quotes nothing of the file",
        arguments: ["a: [1", "hush: hush-hush\n\t- x", "- 1\n", "7", "\"\u{0}\""])
    func invalidYAML(file: String) throws {
        let problems = ConfigurationFixture(file: file).problems()
        #expect(problems.map(\.key) == ["the configuration file"])
        #expect(!"\(problems)".contains("hush-hush"))
    }

    @Test("a file named on the command line must exist")
    func missingFile() throws {
        var sources = ConfigurationSources()
        sources.file = "/nonexistent/config.yaml"
        let error = try #require(#expect(throws: ConfigurationError.self) { try Settings.load(for: .worker, from: sources) })
        #expect(error.problems.map(\.fault) == ["it cannot be read: it does not exist"])
        sources.file = "/"
        let folder = try #require(#expect(throws: ConfigurationError.self) { try Settings.load(for: .worker, from: sources) })
        #expect(folder.problems.map(\.fault) == ["it cannot be read: is a directory"])
        sources.file = "/dev/zero"
        let device = try #require(#expect(throws: ConfigurationError.self) { try Settings.load(for: .worker, from: sources) })
        #expect(device.problems.map(\.fault) == ["it cannot be read: it is larger than 1048576 bytes"])
    }

    @Test("the file of a secret is an error if it is missing, is empty, or holds more than the secret")
    func wrongSecretFiles() {
        let given = { (content: String) in
            ConfigurationFixture(options: ["--auth.clientSecretFile=$DIR/s"], others: ["s": content]).problems().map(\.fault)
        }
        #expect(ConfigurationFixture(options: ["--auth.clientSecretFile=/nonexistent"]).problems().map(\.key) == ["auth.clientSecretFile"])
        #expect(given("\n") == ["the file holds 0 lines"])
        #expect(given("one\ntwo\n") == ["the file holds 2 lines"])
        let both = ConfigurationFixture(file: "auth: {clientSecret: a, clientSecretFile: /b}").problems()
        #expect(both.map(\.fault) == ["auth.clientSecretFile is given there as well"])
    }

    @Test("no secret appears in any problem", arguments: SettingKey.all.filter(\.isSecret).map(\.name))
    func problemsShowNoSecret(name: String) {
        let secret = "hunter2-hunter2"
        let wrong = secret + "\u{1}"
        var texts: [String] = []
        texts.append("\(ConfigurationFixture(options: ["--\(name)=\(wrong)", "--log.level=x"]).problems())")
        texts.append("\(ConfigurationFixture(variables: [SettingKey.environmentName(of: name): wrong, "BOS_LOG_LEVEL": "x"]).problems())")
        texts.append("\(ConfigurationFixture(file: "\(name): [\(secret)]\nlog.level: x").problems())")
        texts.append("\(ConfigurationFixture(file: "\(name): {a: \(secret)}\nlog.level: x").problems())")
        texts.append("\(ConfigurationFixture(file: "\(name)x: \(secret)\nlog.level: x").problems())")
        texts.append("\(ConfigurationFixture(options: ["--\(name)File=$DIR/s"], others: ["s": secret + "\n" + secret]).problems())")
        texts.append("\(ConfigurationFixture(options: ["--\(name)x", secret]).problems())")
        for text in texts {
            #expect(!text.contains("hunter2"))
            #expect(text != "[]")
        }
    }

    @Test("a password in a URL that must not hold one is not shown")
    func passwordInURL() throws {
        let problem = try #require(ConfigurationFixture(options: ["--api.baseURL=https://me:hunter2@x/"]).problems().first)
        #expect(!"\(problem)".contains("hunter2"))
    }

    @Test("a program that does not call BOS needs none of its secrets", arguments: ["file", "authorise"])
    func secretsAreForTheWorker(mode: String) {
        #expect(ConfigurationFixture(program: .poller, file: "auth: {mode: \(mode)}").problems().isEmpty)
        #expect(ConfigurationFixture(program: nil, file: "auth: {mode: \(mode)}").problems().isEmpty)
        #expect(!ConfigurationFixture(program: .worker, file: "auth: {mode: \(mode)}").problems().isEmpty)
    }

    @Test(
        "http:// to this machine is allowed, and http:// to another machine can be allowed",
        arguments: [
            ["--api.baseURL=http://127.0.0.1:8080/api"], ["--api.baseURL=http://127.9.8.7/api"], ["--api.baseURL=http://[::1]:8080/api"],
            ["--api.baseURL=http://localhost/api"], ["--api.baseURL=http://bos.example/api", "--api.allowPlainHTTP=true"],
            ["--api.baseURL=https://bos.example/api"], ["--auth.url=http://unused.example/"],
            ["--api.baseURL=http://localhost/api", "--retry.settle.window=31s"], ["--retry.settle.window=90s"],
        ])
    func allowedPlainHTTP(options: [String]) {
        #expect(ConfigurationFixture(options: options).problems().isEmpty)
    }

    @Test(
        "values that conflict are an error",
        arguments: [
            (["--retry.settle.window=20s"], "retry.settle.window"), (["--retry.settle.window=89s"], "retry.settle.window"),
            (["--api.baseURL=http://127.0.0.1:9/", "--retry.settle.window=30s"], "retry.settle.window"),
            (["--api.baseURL=http://api.bos.center/api/BOS"], "api.baseURL"), (["--api.baseURL=http://127.1.2.3.example/"], "api.baseURL"),
            (["--api.postponedCodes=11"], "api.postponedCodes"), (["--api.postponedCodes=2"], "api.postponedCodes"),
            (["--api.postponedCodes=5", "--api.finalCodes=5"], "api.postponedCodes"),
            (
                [
                    "--auth.mode=authorise", "--auth.url=http://auth.example/", "--auth.clientID=c", "--auth.clientSecret=s",
                ], "auth.url"
            ),
            (["--api.requestTimeout=31s"], "jobs.timeout"),
            (["--retry.initialBackoff=31s"], "retry.maximumBackoff"),
            (["--retry.enquiry.initialBackoff=6m"], "retry.enquiry.maximumBackoff"),
            (["--poller.pan.firstCheckAfter=7h"], "poller.pan.maximumInterval"), (["--auth.mode=file"], "auth.tokenFile"),
            (["--auth.mode=authorise"], "auth.clientSecret"), (["--amqp.tls.keyFile=/k"], "amqp.tls.certificateFile"),
            (["--amqp.queues.status=bos.recharge"], "amqp.queues.status"),
            (["--amqp.exchanges.dead=bos.jobs"], "amqp.exchanges.dead"),
        ])
    func conflicts(options: [String], key: String) {
        let problems = ConfigurationFixture(options: options).problems()
        #expect(problems.map(\.key).contains(key))
        #expect(problems.allSatisfy { $0.origin == .commandLine })
    }

    @Test(
        "a secret in a file that every user may read is an error that does not show it",
        arguments: [
            "auth:\n  clientSecret: s3cret", "pan:\n  nepKey: s3cret", "amqp:\n  urls: [\"amqp://bos:s3cret@10.0.0.1/%2f\"]",
        ])
    func readableSecret(file: String) throws {
        let problem = try #require(ConfigurationFixture(file: file, mode: 0o644).problems().first)
        #expect(problem.description.contains("every user of this machine may read; chmod o-r"))
        #expect(!problem.description.contains("s3cret"))
        #expect(!ConfigurationFixture(file: file, mode: 0o640).problems().contains { $0.fault.contains("every user") })
    }

    @Test(
        "a file that every user may read is allowed if it holds no secret",
        arguments: [
            "amqp:\n  urls: [\"amqp://guest:guest@127.0.0.1/%2f\", \"amqp://10.0.0.1\"]", "ledger:\n  url: sqlite:/tmp/a:b@c.sqlite",
            "auth:\n  clientSecretFile: /nowhere",
        ])
    func readableFileWithoutSecret(file: String) {
        #expect(!ConfigurationFixture(file: file, mode: 0o644).problems().contains { $0.fault.contains("every user") })
    }
}
