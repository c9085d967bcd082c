/// Where the configuration is read from. Tests inject all of it, so they use no file and no variable of this machine.
package struct ConfigurationSources: Sendable {
    /// The `--key=value` options, without the program's own options such as `--config`.
    package var options: [String] = []
    /// The file that `--config` names. It must exist.
    package var file: String?
    /// The file that is read if it exists and `file` is `nil`.
    package var defaultFile = "/etc/bos-worker/config.yaml"
    package var environment: [String: String] = [:]

    package init() {}
}

extension Settings {
    /// Reads the configuration. The command line wins over the environment, the environment over the file, and the file over the defaults.
    ///
    /// The programs call this at the start, and the daemons again on `SIGHUP`. It reads small files and blocks while it does.
    /// - Parameter program: the daemon, or `nil` for a tool that a person runs.
    /// - Returns: the settings, and warnings to log: one sentence for each secret on the command line, and for each variable that begins with
    ///   `BOS_` and sets no key.
    /// - Throws: ``ConfigurationError`` with all problems at once.
    package static func load(
        for program: Program?, from sources: ConfigurationSources
    ) throws(ConfigurationError) -> (settings: Settings, warnings: [String]) {
        var loader = SettingsLoader(settings: Settings(for: program, stateDirectory: sources.environment["STATE_DIRECTORY"]))
        loader.load(sources)
        guard loader.problems.isEmpty else {
            throw ConfigurationError(loader.problems, exitCode: loader.hasUsageProblems ? .usage : .configuration)
        }
        return (loader.settings, loader.warnings)
    }
}

/// One pass over all sources and all keys.
struct SettingsLoader {
    private(set) var settings: Settings
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [String] = []
    private(set) var hasUsageProblems = false
    private var origins: [String: ConfigurationOrigin] = [:]

    init(settings: Settings) { self.settings = settings }

    mutating func load(_ sources: ConfigurationSources) {
        let commandLine = CommandLineValues(sources.options)
        problems += commandLine.problems
        hasUsageProblems = !problems.isEmpty
        var layers: [ConfigurationLayer] = [.commandLine(commandLine.values)]
        let variables = sources.environment.filter { $0.key.hasPrefix("BOS_") }
        checkNames(of: variables.keys.sorted())
        layers.append(.environment(variables))
        if let file = readFile(sources) { layers.append(file) }
        for key in SettingKey.all { read(key, from: layers) }
        // A key that has a problem of its own is not reported a second time as a part of a conflict.
        let conflicts = settings.conflicts.filter { conflict in
            !problems.contains { conflict.keys.contains($0.key) }
        }
        problems += conflicts.map { $0.problem(origins: origins) }
    }

    // MARK: One key

    private mutating func read(_ key: SettingKey, from layers: [ConfigurationLayer]) {
        for layer in layers {
            let direct = layer.find(key.name, isList: key.isList)
            let byFile = key.fileName.map { layer.find($0, isList: false) } ?? .nothing
            switch (direct, byFile) {
            case (.nothing, .nothing):
                continue
            case (.texts(let texts), .nothing):
                assign(texts, to: key, from: layer.origin(of: key.name))
            case (.nothing, .texts(let paths)):
                readSecret(key, at: paths[0], namedBy: layer.origin(of: SettingKey.fileName(of: key.name)))
            case (.wrongShape, .nothing):
                report(
                    key.name, in: layer.origin(of: key.name), fault: "a list stands where one value belongs",
                    advice: "write \(key.expectation)")
            case (.nothing, .wrongShape):
                report(
                    SettingKey.fileName(of: key.name), in: layer.origin(of: key.name), fault: "a list stands there",
                    advice: "write the path of one file")
            case (_, .texts), (_, .wrongShape):
                report(
                    key.name, in: layer.origin(of: key.name), fault: "\(SettingKey.fileName(of: key.name)) is given there as well",
                    advice: "give one of the two")
            }
            return
        }
    }

    private mutating func assign(_ texts: [String], to key: SettingKey, from origin: ConfigurationOrigin) {
        if let fault = Self.missingValue(texts, from: origin) {
            report(key.name, in: origin, fault: fault, advice: "write \(key.expectation), or leave the key out to get its default")
        } else if case .variable = origin, texts.contains(where: Self.isQuoted) {
            report(
                key.name, in: origin, fault: "the value stands in quotation marks, and they count as a part of it",
                advice: "write it without them")
        } else if case .file(let path) = origin, key.isSecret, texts.contains(where: Self.holdsSecret), BoundedFile.isReadableByAll(path) {
            report(
                key.name, in: origin, fault: "a secret stands in a file that every user of this machine may read",
                advice: "chmod o-r that file, or write the secret into a file of its own and name that file as "
                    + SettingKey.fileName(of: key.name))
        } else if key.assign(texts, &settings) {
            origins[key.name] = origin
            if origin == .commandLine, key.isSecret, texts.contains(where: Self.holdsSecret) { warnOfCommandLine(key) }
        } else {
            report(
                key.name, in: origin, fault: "\(ConfigurationProblem.shown(texts, of: key)) is not right",
                advice: "write \(key.expectation)")
        }
    }

    /// What is wrong with a value that says that there is none; `nil` for any other value. Tools that write YAML write `null` for a missing value.
    private static func missingValue(_ texts: [String], from origin: ConfigurationOrigin) -> String? {
        if texts.contains("") { return "the value is empty" }
        guard case .file = origin, texts.contains(where: yamlNull.contains) else { return nil }
        return "the value is null, which is no value in YAML"
    }

    /// Source: YAML 1.2.2, section 10.3.2.
    private static let yamlNull = ["~", "null", "Null", "NULL"]

    /// Whether a text begins and ends with the same quotation mark. A shell removes such marks; the files of variables for containers keep them.
    private static func isQuoted(_ text: String) -> Bool {
        ["\"", "'"].contains { text.count > 1 && text.hasPrefix($0) && text.hasSuffix($0) }
    }

    private mutating func warnOfCommandLine(_ key: SettingKey) {
        let file = SettingKey.fileName(of: key.name)
        warnings.append(
            "\(key.name) holds a secret on the command line, where every user of this machine can read it: write it into a file that only "
                + "this user may read, and give --\(file)=FILE in its place")
    }

    /// Whether a value of a secret key needs protection. A URL without a password does not, nor does one with the password `guest`, which
    /// every new broker has.
    private static func holdsSecret(_ text: String) -> Bool {
        guard let scheme = text.firstRange(of: "://") else { return !text.hasPrefix("sqlite:") }
        guard let userInfo = text[scheme.upperBound...].split(separator: "/").first?.split(separator: "@").dropLast().last else {
            return false
        }
        guard let colon = userInfo.firstIndex(of: ":") else { return false }
        return !["", "guest"].contains(userInfo[userInfo.index(after: colon)...])
    }

    /// Reads the value of a secret key from its own file. The file holds the value alone. In the file of a list each line is an entry, and
    /// commas separate entries too.
    private mutating func readSecret(_ key: SettingKey, at path: String, namedBy origin: ConfigurationOrigin) {
        let bytes: [UInt8]
        do throws(BoundedFile.ReadFailure) {
            bytes = try BoundedFile.read(path)
        } catch {
            let fault = "the file \"\(path)\" cannot be read: \(error.clause)"
            return report(SettingKey.fileName(of: key.name), in: origin, fault: fault, advice: "give a file that this user may read")
        }
        guard let content = String(validating: bytes.trimmingPrefix(Self.byteOrderMark), as: UTF8.self) else {
            return report(
                key.name, in: .secretFile(path), fault: "the value is not UTF-8 text", advice: "write \(key.expectation)")
        }
        let lines = content.split(whereSeparator: \.isNewline).map { $0.trimmed() }.filter { !$0.isEmpty }
        let texts = key.isList ? lines.flatMap { ConfigurationLayer.separated($0) } : [lines.joined(separator: "\n")]
        let isOneValue = key.isList || lines.count == 1
        guard isOneValue else {
            return report(
                key.name, in: .secretFile(path), fault: "the file holds \(lines.count) lines",
                advice: "write the value alone into it, on one line")
        }
        assign(texts, to: key, from: .secretFile(path))
    }

    /// Some editors write it before the text.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    // MARK: The file

    private mutating func readFile(_ sources: ConfigurationSources) -> ConfigurationLayer? {
        let path = sources.file ?? sources.defaultFile
        let bytes: [UInt8]
        do throws(BoundedFile.ReadFailure) {
            bytes = try BoundedFile.read(path)
        } catch {
            if error == .missing, sources.file == nil { return nil }
            report(
                "the configuration file", in: .file(path), fault: "it cannot be read: \(error.clause)",
                advice: "name a file with --config that this user may read")
            return nil
        }
        guard !Self.isBlank(bytes) else { return nil }
        do {
            let (layer, names) = try ConfigurationLayer.yaml(bytes, path: path)
            checkNames(names, in: layer, path: path)
            return layer
        } catch {
            // The first line of the parser's error holds the reason. The next lines quote the file, which may hold a secret.
            let reason = "\(error)".split(whereSeparator: \.isNewline).first.map(String.init) ?? "unknown reason"
            report(
                "the configuration file", in: .file(path), fault: "it is not the YAML expected (\(reason))",
                advice: "write sections with keys below them")
            return nil
        }
    }

    /// Whether a file holds nothing but comments and blank lines. It is valid for people, but YAML does not read it as a mapping.
    private static func isBlank(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).allSatisfy { line in
            let text = line.trimmed()
            return text.isEmpty || text.hasPrefix("#") || text == "---"
        }
    }

    private mutating func checkNames(_ names: [String], in layer: ConfigurationLayer, path: String) {
        var seen: Set<String> = []
        for name in names {
            if !seen.insert(name).inserted {
                report(
                    name, in: .file(path), fault: "the key is given twice, once with dots and once nested", advice: "keep one of them")
            }
            guard !SettingKey.allNames.contains(name) else { continue }
            let isSection = SettingKey.allNames.contains { $0.hasPrefix(name + ".") }
            if isSection {
                // A section whose keys are all commented out is allowed.
                if let first = Self.onlyText(layer.find(name, isList: false)), first == "" || Self.yamlNull.contains(first) { continue }
                report(name, in: .file(path), fault: "a value stands where a section belongs", advice: "put its keys below it, indented")
            } else {
                let guess = EditDistance.nearest(to: name, among: SettingKey.allNames).map { "did you mean \($0)?" }
                report(
                    name, in: .file(path), fault: "there is no such key", advice: guess ?? "--print-configuration-keys lists all keys")
            }
        }
    }

    private static func onlyText(_ entry: ConfigurationLayer.Entry) -> String? {
        guard case .texts(let texts) = entry, texts.count == 1 else { return nil }
        return texts[0]
    }

    // MARK: The environment

    /// A variable whose name is nearly a known one is a typing error, and a problem. Any other unknown variable with the prefix `BOS_` only
    /// gets a warning, because Kubernetes sets such variables by itself for a service with the name "bos".
    private mutating func checkNames(of variables: [String]) {
        let known = SettingKey.allNames.map { SettingKey.environmentName(of: $0) }
        for name in variables where !known.contains(name) {
            if let guess = EditDistance.nearest(to: name, among: known) {
                report(name, in: .variable(name), fault: "there is no such variable", advice: "did you mean \(guess)?")
            } else {
                warnings.append("the environment variable \(name) sets no key and was ignored")
            }
        }
    }

    private mutating func report(_ key: String, in origin: ConfigurationOrigin, fault: String, advice: String) {
        problems.append(ConfigurationProblem(key: key, origin: origin, fault: fault, advice: advice))
    }
}
