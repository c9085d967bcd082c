/// Where configuration is read from. Injected whole, so that tests need neither this machine's files nor its variables.
package struct ConfigurationSources: Sendable {
    /// `--key=value` options, without the program's own such as `--config`.
    package var options: [String] = []
    /// A file that must exist, from `--config`.
    package var file: String?
    /// A file that is used if it exists and no other is named.
    package var defaultFile = "/etc/bos-worker/config.yaml"
    package var environment: [String: String] = [:]

    package init() {}
}

extension Settings {
    /// Reads the configuration: the command line over the environment over the file over the defaults.
    ///
    /// At start, and again on `SIGHUP`. Reads small files, so call it where a short block does no harm.
    /// - Parameter program: `nil` for a person's tool.
    /// - Returns: the settings, and sentences for people about what is no error and not as it should be; to be logged.
    /// - Throws: everything that is wrong, at once.
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

/// One run through all sources and keys.
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
        let contradictions = settings.contradictions.filter { contradiction in
            !problems.contains { contradiction.keys.contains($0.key) }
        }
        problems += contradictions.map { $0.problem(origins: origins) }
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
                report(key.name, layer.origin(of: key.name), "a list stands where one value belongs", "write \(key.expectation)")
            case (.nothing, .wrongShape):
                report(SettingKey.fileName(of: key.name), layer.origin(of: key.name), "a list stands there", "write the path of one file")
            case (_, .texts), (_, .wrongShape):
                report(
                    key.name, layer.origin(of: key.name), "\(SettingKey.fileName(of: key.name)) is given there as well",
                    "give one of the two")
            }
            return
        }
    }

    private mutating func assign(_ texts: [String], to key: SettingKey, from origin: ConfigurationOrigin) {
        if texts.contains("") {
            report(key.name, origin, "the value is empty", "write \(key.expectation), or leave the key out to get its default")
        } else if case .file(let path) = origin, key.isSecret, texts.contains(where: Self.holdsSecret), BoundedFile.isReadableByAll(path) {
            report(
                key.name, origin, "a secret stands in a file that every user of this machine may read",
                "chmod o-r that file, or write the secret into a file of its own and name that as \(SettingKey.fileName(of: key.name))")
        } else if key.assign(texts, &settings) {
            origins[key.name] = origin
            if origin == .commandLine, key.isSecret, texts.contains(where: Self.holdsSecret) { warnOfCommandLine(key) }
        } else {
            report(key.name, origin, "\(ConfigurationProblem.shown(texts, of: key)) is not right", "write \(key.expectation)")
        }
    }

    private mutating func warnOfCommandLine(_ key: SettingKey) {
        let file = SettingKey.fileName(of: key.name)
        warnings.append(
            "\(key.name) holds a secret on the command line, where every user of this machine can read it: write it into a file that only "
                + "this user may read, and give --\(file)=FILE in its place")
    }

    /// A URL without a password, or with the one that every broker is installed with, is no secret.
    private static func holdsSecret(_ text: String) -> Bool {
        guard let scheme = text.firstRange(of: "://") else { return !text.hasPrefix("sqlite:") }
        guard let userInfo = text[scheme.upperBound...].split(separator: "/").first?.split(separator: "@").dropLast().last else {
            return false
        }
        guard let colon = userInfo.firstIndex(of: ":") else { return false }
        return !["", "guest"].contains(userInfo[userInfo.index(after: colon)...])
    }

    /// A secret's file holds the value alone; lines separate the entries of a list.
    private mutating func readSecret(_ key: SettingKey, at path: String, namedBy origin: ConfigurationOrigin) {
        let bytes: [UInt8]
        do throws(BoundedFile.Failure) {
            bytes = try BoundedFile.read(path)
        } catch {
            let fault = "the file \"\(path)\" cannot be read: \(error.clause)"
            return report(SettingKey.fileName(of: key.name), origin, fault, "give a file that this user may read")
        }
        guard let content = String(validating: bytes, as: UTF8.self) else {
            return report(key.name, .secretFile(path), "the value is not UTF-8 text", "write \(key.expectation)")
        }
        let lines = content.split(whereSeparator: \.isNewline).map { $0.trimmed() }.filter { !$0.isEmpty }
        let texts = key.isList ? lines.flatMap { ConfigurationLayer.separated($0) } : [lines.joined(separator: "\n")]
        let isOneValue = key.isList || lines.count == 1
        guard isOneValue else {
            return report(key.name, .secretFile(path), "the file holds \(lines.count) lines", "let it hold the value alone, on one line")
        }
        assign(texts, to: key, from: .secretFile(path))
    }

    // MARK: The file

    private mutating func readFile(_ sources: ConfigurationSources) -> ConfigurationLayer? {
        let path = sources.file ?? sources.defaultFile
        let bytes: [UInt8]
        do throws(BoundedFile.Failure) {
            bytes = try BoundedFile.read(path)
        } catch {
            if error == .missing, sources.file == nil { return nil }
            report(
                "the configuration file", .file(path), "it cannot be read: \(error.clause)",
                "name one with --config that this user may read")
            return nil
        }
        guard !Self.isBlank(bytes) else { return nil }
        do {
            let (layer, names) = try ConfigurationLayer.yaml(bytes, path: path)
            checkNames(names, in: layer, path: path)
            return layer
        } catch {
            // Only the first line of what the parser says: the next ones quote the file, which may hold a secret.
            let reason = "\(error)".split(whereSeparator: \.isNewline).first.map(String.init) ?? "unknown reason"
            report("the configuration file", .file(path), "it is not the YAML expected (\(reason))", "write sections with keys below them")
            return nil
        }
    }

    /// A file of nothing but comments is an empty mapping to people, though not to YAML.
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
                report(name, .file(path), "the key is given twice, once with dots and once nested", "keep one of them")
            }
            guard !SettingKey.allNames.contains(name) else { continue }
            let isSection = SettingKey.allNames.contains { $0.hasPrefix(name + ".") }
            if isSection {
                // A section whose keys are all commented out is no mistake.
                if let first = Self.onlyText(layer.find(name, isList: false)), ["", "~", "null"].contains(first) { continue }
                report(name, .file(path), "a value stands where a section belongs", "put its keys below it, indented")
            } else {
                let guess = Similarity.nearest(to: name, among: SettingKey.allNames).map { "did you mean \($0)?" }
                report(name, .file(path), "there is no such key", guess ?? "see --print-configuration-keys for those that exist")
            }
        }
    }

    private static func onlyText(_ finding: ConfigurationLayer.Finding) -> String? {
        guard case .texts(let texts) = finding, texts.count == 1 else { return nil }
        return texts[0]
    }

    // MARK: The environment

    /// A variable that is nearly one of ours is a slip and an error. Any other with our prefix is only a warning: Kubernetes
    /// sets such variables by itself for a service that happens to be called "bos".
    private mutating func checkNames(of variables: [String]) {
        let known = SettingKey.allNames.map { SettingKey.environmentName(of: $0) }
        for name in variables where !known.contains(name) {
            if let guess = Similarity.nearest(to: name, among: known) {
                report(name, .variable(name), "there is no such variable", "did you mean \(guess)?")
            } else {
                warnings.append("the environment variable \(name) is not one of ours and was ignored")
            }
        }
    }

    private mutating func report(_ key: String, _ origin: ConfigurationOrigin, _ fault: String, _ advice: String) {
        problems.append(ConfigurationProblem(key: key, origin: origin, fault: fault, advice: advice))
    }
}
