import Configuration

/// The `--key=value` and `--key value` options of a command line. Keys are written as in the file: `--api.requestTimeout=10s`.
///
/// swift-configuration's own provider for the command line ignores options that it does not know. Here an unknown option is a problem.
struct CommandLineValues {
    private(set) var values: [String: ConfigContent] = [:]
    private(set) var problems: [ConfigurationProblem] = []

    /// - Parameter options: the arguments, without the program's own options such as `--config`.
    init(_ options: [String]) {
        var given: [String: [String]] = [:]
        var rest = options[...]
        while let option = rest.popFirst() {
            guard option.hasPrefix("--"), option.count > 2 else {
                report("the argument", fault: "\"\(option.prefix(30))\" is no option", advice: "write options as --key=value")
                continue
            }
            let parts = option.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard SettingKey.allNames.contains(parts[0]) else {
                reportUnknown(parts[0])
                // Skip the value of the unknown option, or it would be reported as another argument.
                if parts.count == 1, let next = rest.first, !next.hasPrefix("--") { rest.removeFirst() }
                continue
            }
            guard let text = parts.count == 2 ? parts[1] : rest.popFirst() else {
                report(parts[0], fault: "the option has no value", advice: "write --\(parts[0])=VALUE")
                continue
            }
            given[parts[0], default: []].append(text)
        }
        for (name, texts) in given.sorted(by: { $0.key < $1.key }) { assign(texts, to: name) }
    }

    private mutating func assign(_ texts: [String], to name: String) {
        if SettingKey.all.contains(where: { $0.name == name && $0.isList }) {
            values[name] = .stringArray(texts.flatMap { ConfigurationLayer.separated($0) })
        } else if texts.count == 1 {
            values[name] = .string(texts[0])
        } else {
            report(name, fault: "the option is given \(texts.count) times", advice: "give it once")
        }
    }

    private mutating func reportUnknown(_ name: String) {
        let guess = EditDistance.nearest(to: name, among: SettingKey.allNames).map { "did you mean --\($0)?" }
        report(
            "--\(name.prefix(60))", fault: "there is no such option", advice: guess ?? "--print-configuration-keys lists all options")
    }

    private mutating func report(_ key: String, fault: String, advice: String) {
        problems.append(ConfigurationProblem(key: key, origin: .commandLine, fault: fault, advice: advice))
    }
}
