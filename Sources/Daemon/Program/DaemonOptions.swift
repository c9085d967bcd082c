package import ArgumentParser

/// The options that worker and poller share. Everything else on the command line is a configuration key: `--api.requestTimeout=10s`.
package struct DaemonOptions: ParsableArguments {
    @Option(name: .long, help: "Configuration file; must exist. Without it /etc/bos-worker/config.yaml is used if it exists.")
    package var config: String?

    @Flag(name: .long, help: "Print every configuration key with its default and meaning, and exit.")
    package var printConfigurationKeys = false

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("Configuration, spelled as in the file; wins over environment and file.", valueName: "--key=value"))
    package var settings: [String] = []

    package init() {}

    /// Where to read the configuration from.
    /// - Parameter environment: the process's variables.
    package func sources(environment: [String: String]) -> ConfigurationSources {
        var sources = ConfigurationSources()
        sources.options = settings
        sources.file = config
        sources.environment = environment
        return sources
    }
}
