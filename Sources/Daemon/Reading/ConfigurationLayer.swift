import Configuration
import Synchronization

/// One source of configuration values: the command line, the environment, or the file.
///
/// Each layer is a provider of swift-configuration. The loader reads the layers one by one instead of stacking them, because a problem
/// must name the place where the wrong value stands.
struct ConfigurationLayer: Sendable {
    private let snapshot: any ConfigSnapshot
    private let prefix: [String]
    private let origin: @Sendable (String) -> ConfigurationOrigin

    /// What a layer holds under a name.
    enum Entry: Equatable {
        case nothing
        case texts([String])
        /// A list stands where one value is expected.
        case wrongShape
    }

    /// Where this layer holds a name, in words.
    func origin(of name: String) -> ConfigurationOrigin { origin(name) }

    /// The entry under a name, exactly as it was written.
    func find(_ name: String, isList: Bool) -> Entry {
        let key = AbsoluteConfigKey(prefix + ConfigKey(name).components)
        if isList, case .stringArray(let texts) = try? snapshot.value(forKey: key, type: .stringArray).value?.content {
            return .texts(texts)
        }
        guard let result = try? snapshot.value(forKey: key, type: .string) else { return .wrongShape }
        guard case .string(let text) = result.value?.content else { return .nothing }
        return .texts(isList ? Self.separated(text) : [text])
    }

    /// The entries of a list that is written on one line with commas.
    static func separated(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmed() }
    }

    /// The values that were given as `--key=value`.
    static func commandLine(_ values: [String: ConfigContent]) -> ConfigurationLayer {
        let entries = values.map { (AbsoluteConfigKey(ConfigKey($0)), ConfigValue($1, isSecret: true)) }
        let provider = InMemoryProvider(name: "command line", values: Dictionary(uniqueKeysWithValues: entries))
        return ConfigurationLayer(snapshot: provider.snapshot(), prefix: [], origin: { _ in .commandLine })
    }

    /// The environment variables that start with `BOS_`.
    static func environment(_ variables: [String: String]) -> ConfigurationLayer {
        ConfigurationLayer(
            snapshot: EnvironmentVariablesProvider(environmentVariables: variables, secretsSpecifier: .all).snapshot(), prefix: ["bos"],
            origin: { .variable(SettingKey.environmentName(of: $0)) })
    }

    /// A YAML file.
    /// - Returns: the layer, and every key of the file in the file's order. A key that the file gives twice is in the list twice.
    /// - Throws: the errors of swift-configuration and its YAML parser. Their texts may quote the file.
    static func yaml(_ bytes: [UInt8], path: String) throws -> (layer: ConfigurationLayer, names: [String]) {
        // A snapshot does not list its keys. The parser calls the secrets specifier for each value, and that call shows the key.
        let recorder = KeyRecorder()
        let options = YAMLSnapshot.ParsingOptions(secretsSpecifier: .dynamic { name, _ in recorder.record(name) })
        let snapshot = try YAMLSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: options)
        return (ConfigurationLayer(snapshot: snapshot, prefix: [], origin: { _ in .file(path) }), recorder.names)
    }
}

/// Collects the keys that the parser passes to its secrets specifier. A class, because an escaping closure captures it.
private final class KeyRecorder: Sendable {
    private let recorded = Mutex<[String]>([])

    var names: [String] { recorded.withLock { $0 } }

    /// Records a key.
    /// - Returns: always `true`, so that swift-configuration treats every value as a secret and prints none. The loader's own problems
    ///   print values, and the table of keys tells them which ones are secret.
    func record(_ name: String) -> Bool {
        recorded.withLock { $0.append(name) }
        return true
    }
}

extension Substring {
    /// The text without blanks and tabs at both ends.
    func trimmed() -> String {
        let blanks = { (character: Character) in character == " " || character == "\t" }
        let start = drop(while: blanks)
        let end = start.lastIndex { !blanks($0) }
        return end.map { String(start[...$0]) } ?? ""
    }
}
