import Configuration

/// One row of the configuration table: a key, its meaning, the format of its value and the field that it sets.
///
/// The loader, the checks, the documentation and the list of known names all use these rows, so they always agree.
package struct SettingKey: Sendable {
    /// The key as the file and the command line write it, for example `api.baseURL`.
    package let name: String
    /// At most one sentence, for the documentation.
    package let meaning: String
    /// Whether its value is never shown. A secret can also be given as a file, under `fileName`.
    package let isSecret: Bool
    /// What would be right. Advice puts it behind the word "write".
    package let expectation: String
    let isList: Bool
    /// Sets the field. `false` if the texts do not have the right format; the settings are unchanged then.
    let assign: @Sendable ([String], inout Settings) -> Bool
    /// The value in these settings as the file would write it, or `nil` if there is none.
    let formatted: @Sendable (Settings) -> String?

    /// - Parameters:
    ///   - path: the field that the key sets.
    ///   - valueFormat: how the value is written.
    ///   - meaning: what the key does, for the documentation.
    init<Value: Sendable>(
        _ name: String, sets path: any WritableKeyPath<Settings, Value> & Sendable, format valueFormat: ValueFormat<Value>,
        isSecret: Bool = false,
        meaning: String
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
        // An empty text stands for "no value", because no value is written as an empty text.
        formatted = { valueFormat.format($0[keyPath: path]).flatMap { $0.isEmpty ? nil : $0 } }
    }

    /// The key that names a file with this secret. `nil` if this key is no secret.
    package var fileName: String? { isSecret ? Self.fileName(of: name) : nil }

    /// The environment variable that sets this key, for example `BOS_API_BASE_URL`.
    package var environmentName: String { Self.environmentName(of: name) }

    /// Whether the key has different values in two settings.
    func differs(between first: Settings, and second: Settings) -> Bool { formatted(first) != formatted(second) }

    static func fileName(of name: String) -> String { name + "File" }

    /// The variable that swift-configuration's environment provider reads for a key. The provider itself computes the name, so the
    /// documentation names the variable that is read.
    static func environmentName(of name: String) -> String {
        let provider = EnvironmentVariablesProvider(environmentVariables: [:])
        let key = AbsoluteConfigKey(ConfigKey("bos." + name))
        return (try? provider.value(forKey: key, type: .string))?.encodedKey ?? ""
    }

    /// Every name that a source may hold, including the `…File` keys.
    static let allNames = all.flatMap { [$0.name] + [$0.fileName].compactMap { $0 } }
}
