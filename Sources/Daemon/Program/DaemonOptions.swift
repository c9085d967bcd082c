package import ArgumentParser

/// The options that worker and poller share. All other options are configuration keys, such as `--api.requestTimeout=10s`.
package struct DaemonOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "Configuration file. It must exist. Without this option /etc/bos-worker/config.yaml is used if it exists.")
    package var config: String?

    @Flag(name: .long, help: "Print every configuration key with its default and meaning, and exit.")
    package var printConfigurationKeys = false

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp(
            "A configuration key, written as in the file. It wins over the environment and the file.", valueName: "--key=value"))
    package var settings: [String] = []

    package init() {}

    /// Where to read the configuration from.
    /// - Parameter environment: the environment variables of the process.
    package func sources(environment: [String: String]) -> ConfigurationSources {
        var sources = ConfigurationSources()
        sources.options = settings
        sources.file = config
        sources.environment = environment
        return sources
    }
}
