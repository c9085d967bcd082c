import Configuration

/// The `--key=value` and `--key value` options of a command line, spelled as in the file: `--api.requestTimeout=10s`.
///
/// Read here rather than by swift-configuration's provider, which takes no notice of an option that it does not know.
struct CommandLineValues {
    private(set) var values: [String: ConfigContent] = [:]
    private(set) var problems: [ConfigurationProblem] = []

    init(_ options: [String]) {
        var given: [String: [String]] = [:]
        var rest = options[...]
        while let option = rest.popFirst() {
            guard option.hasPrefix("--"), option.count > 2 else {
                report("the argument", "\"\(option.prefix(30))\" is no option", "write options as --key=value")
                continue
            }
            let parts = option.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard SettingKey.allNames.contains(parts[0]) else {
                reportUnknown(parts[0])
                // Its value would be reported as an argument of its own.
                if parts.count == 1, let next = rest.first, !next.hasPrefix("--") { rest.removeFirst() }
                continue
            }
            guard let text = parts.count == 2 ? parts[1] : rest.popFirst() else {
                report(parts[0], "the option has no value", "write --\(parts[0])=VALUE")
                continue
            }
            given[parts[0], default: []].append(text)
        }
        for (name, texts) in given.sorted(by: { $0.key < $1.key }) { take(name, texts) }
    }

    private mutating func take(_ name: String, _ texts: [String]) {
        if SettingKey.all.contains(where: { $0.name == name && $0.isList }) {
            values[name] = .stringArray(texts.flatMap { ConfigurationLayer.separated($0) })
        } else if texts.count == 1 {
            values[name] = .string(texts[0])
        } else {
            report(name, "the option is given \(texts.count) times", "give it once")
        }
    }

    private mutating func reportUnknown(_ name: String) {
        let guess = EditDistance.nearest(to: name, among: SettingKey.allNames).map { "did you mean --\($0)?" }
        report("--\(name.prefix(60))", "there is no such option", guess ?? "see --print-configuration-keys for those that exist")
    }

    private mutating func report(_ key: String, _ fault: String, _ advice: String) {
        problems.append(ConfigurationProblem(key: key, origin: .commandLine, fault: fault, advice: advice))
    }
}
