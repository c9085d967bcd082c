package import Logging

/// The swift-log backend of one logger; all of them share a `LogOutput`.
package struct LineLogHandler: LogHandler {
    private let label: String
    private let output: LogOutput
    private var ownLevel: Logger.Level?

    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    package init(label: String, output: LogOutput) {
        self.label = label
        self.output = output
    }

    /// The output's level, unless this logger was given one of its own.
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
