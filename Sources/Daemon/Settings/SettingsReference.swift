/// The documentation of the configuration keys, for `--print-configuration-keys` and configuration.md#keys.
package enum SettingsReference {
    /// A Markdown table with the variable, the default and the meaning of every key.
    package static var markdown: String {
        let lines = ([columns] + rows).map { "| \($0.joined(separator: " | ")) |" }
        let rule = "|" + columns.map { _ in "---|" }.joined()
        return ([lines[0], rule] + lines.dropFirst()).map { $0 + "\n" }.joined()
    }

    package static let columns = ["key", "environment variable", "default", "meaning"]

    /// The cells of each key's row.
    package static var rows: [[String]] {
        SettingKey.all.map { key in
            ["`\(key.name)`", "`\(key.environmentName)`", shownDefault(of: key).map { "`\($0)`" } ?? "–", meaning(of: key)]
        }
    }

    private static func shownDefault(of key: SettingKey) -> String? { key.formatted(Settings(for: .worker)) }

    private static func meaning(of key: SettingKey) -> String {
        guard let fileName = key.fileName else { return key.meaning }
        return key.meaning + "; secret, also as a file: `\(fileName)`"
    }
}
