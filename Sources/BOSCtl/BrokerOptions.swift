import ArgumentParser
import Daemon
import Foundation

/// Where the broker is: read from the worker's configuration, in the worker's own way.
struct BrokerOptions: ParsableArguments {
    @Option(help: "The worker's configuration file; /etc/bos-worker/config.yaml is used if it exists and none is named.")
    var config: String?

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("Configuration, spelled as in the file: --amqp.urls=amqp://…", valueName: "--key=value"))
    var overrides: [String] = []

    /// Reads the configuration; what is wrong with it is printed, and thrown as the exit code.
    func settings() throws -> Settings {
        var sources = ConfigurationSources()
        sources.options = overrides
        sources.file = config
        sources.environment = ProcessInfo.processInfo.environment
        do throws(ConfigurationError) {
            let (settings, warnings) = try Settings.load(for: nil, from: sources)
            for warning in warnings { Console.writeError("bosctl: \(warning)\n") }
            return settings
        } catch {
            Console.writeError("bosctl: \(error)\n")
            throw ArgumentParser.ExitCode(error.exitCode.rawValue)
        }
    }
}
