/// Where a value came from. The description leads the operator to the place.
package enum ConfigurationOrigin: Sendable, Equatable, CustomStringConvertible {
    case commandLine
    case variable(String)
    case file(String)
    /// A file with one secret, which a `…File` key names.
    case secretFile(String)
    case builtIn

    package var description: String {
        switch self {
        case .commandLine: "command line"
        case .variable(let name): "environment variable \(name)"
        case .file(let path): "file \(path)"
        case .secretFile(let path): "secret file \(path)"
        case .builtIn: "default"
        }
    }
}

/// One thing that is wrong with the configuration.
package struct ConfigurationProblem: Sendable, Equatable, CustomStringConvertible {
    /// The key, or the unknown name that was given instead of a key.
    package let key: String
    package let origin: ConfigurationOrigin
    /// What is wrong, as a clause. It never holds a secret.
    package let fault: String
    /// What to do, as a clause.
    package let advice: String

    package init(key: String, origin: ConfigurationOrigin, fault: String, advice: String) {
        self.key = key
        self.origin = origin
        self.fault = fault
        self.advice = advice
    }

    /// `api.requestTimeout (environment variable BOS_API_REQUEST_TIMEOUT): "3x" is not right; write a duration …`
    package var description: String { "\(key) (\(origin)): \(fault); \(advice)" }

    /// A value as a problem may show it: on one line and at most 60 characters long. A value that could hold a password is not shown.
    static func shown(_ texts: [String], of key: SettingKey) -> String {
        let text = texts.joined(separator: ",")
        guard !key.isSecret, !text.contains("@") else { return "the value (not shown)" }
        let isLong = text.count > 60
        let safe = text.prefix(60).unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : String($0) }
        return "\"\(safe.joined())\(isLong ? "…" : "")\""
    }
}

/// Everything that is wrong with the configuration, found in one pass.
package struct ConfigurationError: Error, CustomStringConvertible {
    package let problems: [ConfigurationProblem]

    /// 64 if the command line is wrong, for example with an option that does not exist. Otherwise 78.
    package let exitCode: ProcessExit

    init(_ problems: [ConfigurationProblem], exitCode: ProcessExit = .configuration) {
        self.problems = problems
        self.exitCode = exitCode
    }

    package var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return (["The configuration has \(count):"] + problems.map { "  \($0)" }).joined(separator: "\n")
    }
}
