package import Logging

/// The swift-log backend of one logger. All loggers of the process share one ``LogOutput``.
package struct LineLogHandler: LogHandler {
    private let label: String
    private let output: LogOutput
    private var ownLevel: Logger.Level?

    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    /// - Parameters:
    ///   - label: the logger's name, such as `bos-worker`.
    ///   - output: where the lines go. It also holds the level of all loggers without a level of their own.
    package init(label: String, output: LogOutput) {
        self.label = label
        self.output = output
    }

    /// This logger's own level if one was set, otherwise the output's level.
    package var logLevel: Logger.Level {
        get { ownLevel ?? output.level }
        set { ownLevel = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadataProvider?.get() ?? [:]
        fields.merge(metadata) { _, own in own }
        if let more = event.metadata { fields.merge(more) { _, latest in latest } }
        if let error = event.error, fields["error"] == nil { fields["error"] = "\(error)" }
        output.write(LogLine(level: event.level, logger: label, message: event.message.description, fields: fields))
    }
}
