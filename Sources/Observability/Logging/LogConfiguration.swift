package import Logging

/// What is logged and how a line looks; `log.level` and `log.format` of the configuration.
package struct LogConfiguration: Sendable, Equatable {
    /// Lines below this level are not written.
    package var level: Logger.Level = .info
    package var format = Format.auto

    package init() {}

    /// How a line looks.
    package enum Format: String, CaseIterable, Sendable {
        /// `human` on a terminal, else `json`.
        case auto
        /// For eyes; coloured on a terminal unless `NO_COLOR` is set.
        case human
        /// One object a line: `{"ts":…,"level":…,"logger":…,"message":…,"fields":{…}}`.
        case json
    }
}
