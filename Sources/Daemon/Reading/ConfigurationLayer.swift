import Configuration
import Synchronization

/// One source of configuration values: the command line, the environment, or the file.
///
/// Each is a provider of swift-configuration, asked one by one rather than stacked, because a wrong value must be reported
/// with the place where it stands.
struct ConfigurationLayer: Sendable {
    private let snapshot: any ConfigSnapshot
    private let prefix: [String]
    private let origin: @Sendable (String) -> ConfigurationOrigin

    /// What a layer has under a name.
    enum Entry: Equatable {
        case nothing
        case texts([String])
        /// A list where one value belongs.
        case wrongShape
    }

    /// The place of a name in this layer, in words.
    func origin(of name: String) -> ConfigurationOrigin { origin(name) }

    /// What stands under a name, as it was spelled.
    func find(_ name: String, isList: Bool) -> Entry {
        let key = AbsoluteConfigKey(prefix + ConfigKey(name).components)
        if isList, case .stringArray(let texts) = try? snapshot.value(forKey: key, type: .stringArray).value?.content {
            return .texts(texts)
        }
        guard let result = try? snapshot.value(forKey: key, type: .string) else { return .wrongShape }
        guard case .string(let text) = result.value?.content else { return .nothing }
        return .texts(isList ? Self.separated(text) : [text])
    }

    /// The entries of a list written on one line.
    static func separated(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmed() }
    }

    /// The values given as `--key=value`.
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

    /// A YAML file, with the keys that stand in it, in their order and as often as they do.
    /// - Throws: what swift-configuration and its YAML parser say; may quote the file.
    static func yaml(_ bytes: [UInt8], path: String) throws -> (layer: ConfigurationLayer, names: [String]) {
        // The parser asks of each value whether it is secret; nothing else tells which keys a file holds.
        let recorder = KeyRecorder()
        let options = YAMLSnapshot.ParsingOptions(secretsSpecifier: .dynamic { name, _ in recorder.record(name) })
        let snapshot = try YAMLSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: options)
        return (ConfigurationLayer(snapshot: snapshot, prefix: [], origin: { _ in .file(path) }), recorder.names)
    }
}

/// Collects the names that a parser asks about. A class, because the parser keeps the closure that it is captured by.
private final class KeyRecorder: Sendable {
    private let recorded = Mutex<[String]>([])

    var names: [String] { recorded.withLock { $0 } }

    /// Always `true`: a value of the file is shown by our own messages only, which know which ones are secret.
    func record(_ name: String) -> Bool {
        recorded.withLock { $0.append(name) }
        return true
    }
}

extension Substring {
    /// Without blanks at both ends.
    func trimmed() -> String {
        let blanks = { (character: Character) in character == " " || character == "\t" }
        let start = drop(while: blanks)
        let end = start.lastIndex { !blanks($0) }
        return end.map { String(start[...$0]) } ?? ""
    }
}
