import AMQP
import BOSClient
import Foundation
import Logging
import Metrics
import Observability
import ServiceLifecycle
import UnixSignals

/// `bos-worker` from its options to its exit code.
package enum WorkerProgram {
    /// Runs until asked to stop.
    package static func run(_ options: DaemonOptions) async -> ExitCode {
        if options.printConfigurationKeys {
            print(SettingsReference.markdown)
            return .drained
        }
        let sources = options.sources(environment: ProcessInfo.processInfo.environment)
        let settings: Settings
        let warnings: [String]
        do throws(ConfigurationError) {
            (settings, warnings) = try Settings.load(for: .worker, from: sources)
        } catch {
            say("bos-worker: \(error)")
            return error.exitCode
        }
        let output = LogOutput(settings.log)
        output.bootstrap()
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        let logger = Logger(label: "bos-worker")
        for warning in warnings { logger.warning("an environment variable was ignored", metadata: ["detail": "\(warning)"]) }
        return await run(settings, sources, output, registry, logger)
    }

    private static func run(
        _ settings: Settings, _ sources: ConfigurationSources, _ output: LogOutput, _ registry: PrometheusRegistry, _ logger: Logger
    ) async -> ExitCode {
        let notifier = SystemdNotifier()
        do {
            logger.notice("starting", metadata: ["version": "\(Version.current)"])
            registry.observe(.buildInfo, dimensions: [("version", Version.current)]) { 1 }
            let parts = try await WorkerParts(settings, registry: registry, logger: logger)
            let health = parts.health
            try await ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        .init(
                            service: SystemdHeartbeat(notifier: notifier, health: health, logger: logger) { health.statusLine }),
                        .init(
                            service: HTTPEndpoints(configuration: settings.http, registry: registry, health: health, logger: logger)),
                        .init(
                            service: ConfigurationReload(
                                program: .worker, sources: sources, settings: settings, output: output, notifier: notifier, logger: logger)),
                        .init(
                            service: WorkerService(
                                parts: parts, drainTimeout: settings.shutdown.drainTimeout, notifier: notifier, logger: logger),
                            successTerminationBehavior: .gracefullyShutdownGroup,
                            failureTerminationBehavior: .gracefullyShutdownGroup),
                    ],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            ).run()
            logger.notice("stopped: everything in flight was finished")
            return .drained
        } catch {
            return explain(error, logger)
        }
    }

    /// One line for people, and the exit code that says who has to act.
    private static func explain(_ error: any Error, _ logger: Logger) -> ExitCode {
        switch error {
        case is NotDrained:
            logger.error("stopped before everything in flight was finished; it is taken up again after the next start")
            return .notDrained
        case let error as WorkerError:
            logger.critical("cannot run", metadata: ["reason": "\(error)"])
            return error.exitCode
        case is HTTPEndpointsError, is AMQPURLError, is BOSConfigurationError:
            logger.critical("cannot run with this configuration", metadata: ["reason": "\(error)"])
            return .configuration
        default:
            logger.critical("internal fault", metadata: ["reason": "\(error)"])
            return .internalFault
        }
    }

    private static func say(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }
}
