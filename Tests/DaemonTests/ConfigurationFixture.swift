import Foundation

@testable import Daemon

/// Loads settings from the texts of a test. It reads no configuration file and no variable of this machine.
struct ConfigurationFixture {
    var program: Settings.Program? = .worker
    var options: [String] = []
    var variables: [String: String] = [:]
    /// The content of the configuration file. `nil`: there is no file.
    var file: String?
    /// The access mode of the configuration file.
    var mode = 0o600
    /// The names and contents of further files. `$DIR` in the other texts stands for the folder of these files.
    var others: [String: String] = [:]

    func load() throws -> (settings: Settings, warnings: [String]) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bos-configuration-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let filled = { (text: String) in text.replacing("$DIR", with: folder.path) }
        for (name, content) in others { try Data(content.utf8).write(to: folder.appending(path: name)) }
        var sources = ConfigurationSources()
        sources.options = options.map(filled)
        sources.environment = variables.mapValues(filled)
        sources.defaultFile = folder.appending(path: "config.yaml").path
        if let file {
            try Data(filled(file).utf8).write(to: folder.appending(path: "config.yaml"))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: sources.defaultFile)
        }
        return try Settings.load(for: program, from: sources)
    }

    /// The problems that loading reports. Empty if it succeeds.
    func problems() -> [ConfigurationProblem] {
        do {
            _ = try load()
            return []
        } catch let error as ConfigurationError {
            return error.problems
        } catch {
            return [ConfigurationProblem(unexpected: error)]
        }
    }
}

extension ConfigurationProblem {
    /// A failure of the fixture itself. No test expects it.
    fileprivate init(unexpected error: any Error) {
        self.init(key: "fixture", origin: .builtIn, fault: "\(error)", advice: "mend the fixture")
    }
}

extension SettingKey {
    private static let values = [
        "7", "31s", "11m", "https://other.example/x", "/other", "park", "refuse", "file", "none", "believe", "refid", "other",
    ]

    /// A text that gives the key another value than it has in these settings. `nil`: add one to `values` that fits the key.
    func anotherValue(than settings: Settings) -> String? {
        Self.values.first { value in
            var changed = settings
            return assign([value], &changed) && differs(between: changed, and: settings)
        }
    }
}
