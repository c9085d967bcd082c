/// Where a value came from, in words that lead a person to the place.
package enum ConfigurationOrigin: Sendable, Equatable, CustomStringConvertible {
    case commandLine
    case variable(String)
    case file(String)
    /// A file that holds a secret, named by a `…File` key.
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
    /// The key, or the name that is not one.
    package let key: String
    package let origin: ConfigurationOrigin
    /// What was found, as a clause; never a secret's value.
    package let fault: String
    /// What to do, as a clause.
    package let advice: String

    package init(key: String, origin: ConfigurationOrigin, fault: String, advice: String) {
        self.key = key
        self.origin = origin
        self.fault = fault
        self.advice = advice
    }

    /// `api.requestTimeout: "3x" (environment variable BOS_API_REQUEST_TIMEOUT) is not right; write a duration …`
    package var description: String { "\(key) (\(origin)): \(fault); \(advice)" }

    /// A value as a problem may show it: on one line, of bounded length, and not at all if it could hold a password.
    static func shown(_ texts: [String], of key: SettingKey) -> String {
        let text = texts.joined(separator: ",")
        guard !key.isSecret, !text.contains("@") else { return "the value (not shown)" }
        let isLong = text.count > 60
        let safe = text.prefix(60).unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : String($0) }
        return "\"\(safe.joined())\(isLong ? "…" : "")\""
    }
}

/// Everything that is wrong with the configuration, found in one go.
package struct ConfigurationError: Error, CustomStringConvertible {
    package let problems: [ConfigurationProblem]

    /// 64 when the command line names an option that does not exist, else 78.
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
