import Configuration

/// One row of the configuration table: a key, what it means, how it is written and which field it sets.
///
/// Reading, checking, documentation and the list of known names all come from these rows, so that they cannot disagree.
package struct SettingKey: Sendable {
    /// As it stands in the file and on the command line, for example `api.baseURL`.
    package let name: String
    /// One sentence or less, for the documentation.
    package let meaning: String
    /// Whether its value is never shown, and can be given as a file under `fileName`.
    package let isSecret: Bool
    /// What would be right, to go behind "write".
    package let expectation: String
    let isList: Bool
    /// `false` when the texts are not of the right form; the settings are unchanged then.
    let assign: @Sendable ([String], inout Settings) -> Bool
    /// The value of these settings as it would be written, or `nil` for none.
    let formatted: @Sendable (Settings) -> String?

    init<Value: Sendable>(
        _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, _ valueFormat: ValueFormat<Value>, isSecret: Bool = false,
        _ meaning: String
    ) {
        self.name = name
        self.meaning = meaning
        self.isSecret = isSecret
        expectation = valueFormat.expectation
        isList = valueFormat.isList
        assign = { texts, settings in
            guard let value = valueFormat.parse(texts) else { return false }
            settings[keyPath: path] = value
            return true
        }
        // No value is written as an empty text: where one stands, none is given.
        formatted = { valueFormat.format($0[keyPath: path]).flatMap { $0.isEmpty ? nil : $0 } }
    }

    /// The key that names a file with this secret, or `nil` for a key that is no secret.
    package var fileName: String? { isSecret ? Self.fileName(of: name) : nil }

    /// The environment variable that sets this key, for example `BOS_API_BASE_URL`.
    package var environmentName: String { Self.environmentName(of: name) }

    /// Whether the key has another value in these settings than in those.
    func differs(_ first: Settings, _ second: Settings) -> Bool { formatted(first) != formatted(second) }

    static func fileName(of name: String) -> String { name + "File" }

    /// The name that the environment provider looks up; asked of it, so that documentation and reading cannot differ.
    static func environmentName(of name: String) -> String {
        let provider = EnvironmentVariablesProvider(environmentVariables: [:])
        let key = AbsoluteConfigKey(ConfigKey("bos." + name))
        return (try? provider.value(forKey: key, type: .string))?.encodedKey ?? ""
    }

    /// Every name that may occur, the `…File` variants among them.
    static let allNames = all.flatMap { [$0.name] + [$0.fileName].compactMap { $0 } }
}
