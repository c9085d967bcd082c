import AMQP
import BOSClient
private import CLinux
import Foundation
import Logging
import Metrics
import Observability
import ServiceLifecycle
import UnixSignals

/// A daemon from its options to its exit code.
package enum DaemonProgram {
    /// Runs until asked to stop.
    package static func run(_ program: Settings.Program, _ options: DaemonOptions) async -> ExitCode {
        if options.printConfigurationKeys {
            print(SettingsReference.markdown)
            return .drained
        }
        // Without it a worker at full speed gives pages back to the system, and takes them anew, for every job.
        bos_keep_freed_memory(64 << 20)
        let sources = options.sources(environment: ProcessInfo.processInfo.environment)
        let settings: Settings
        let warnings: [String]
        do throws(ConfigurationError) {
            (settings, warnings) = try Settings.load(for: program, from: sources)
        } catch {
            say("\(program.rawValue): \(error)")
            return error.exitCode
        }
        let output = LogOutput(settings.log)
        output.bootstrap()
        // Last words are worth a moment, and a log that is stuck is worth no more.
        defer { output.flush(within: .seconds(2)) }
        let registry = PrometheusRegistry()
        registry.observe(.logLinesDropped) { Double(output.droppedLines) }
        MetricsSystem.bootstrap(registry)
        let logger = Logger(label: program.rawValue)
        for warning in warnings { logger.warning("something about the configuration", metadata: ["detail": "\(warning)"]) }
        return await run(program, settings, sources, output, registry, logger)
    }

    private static func run(
        _ program: Settings.Program, _ settings: Settings, _ sources: ConfigurationSources, _ output: LogOutput,
        _ registry: PrometheusRegistry, _ logger: Logger
    ) async -> ExitCode {
        let notifier = SystemdNotifier()
        do {
            logger.notice("starting", metadata: ["version": "\(Version.current)"])
            registry.observe(.buildInfo, dimensions: [("version", Version.current)]) { 1 }
            let (service, health) = try await service(program, settings, registry, notifier, logger)
            try await ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        .init(
                            service: SystemdHeartbeat(notifier: notifier, health: health, logger: logger) { health.statusLine }),
                        .init(
                            service: HTTPEndpoints(configuration: settings.http, registry: registry, health: health, logger: logger)),
                        .init(
                            service: ConfigurationReload(
                                program: program, sources: sources, settings: settings, output: output, logger: logger)),
                        .init(
                            service: service,
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

    /// What the program does, and what it says of itself.
    private static func service(
        _ program: Settings.Program, _ settings: Settings, _ registry: PrometheusRegistry, _ notifier: SystemdNotifier, _ logger: Logger
    ) async throws -> (any Service, any DaemonHealth) {
        switch program {
        case .worker:
            let parts = try await WorkerParts(settings, registry: registry, logger: logger)
            let service = WorkerService(
                parts: parts, drainTimeout: settings.drainTimeout, notifier: notifier, logger: logger)
            return (service, parts.health)
        case .poller:
            let parts = try PollerParts(settings, registry: registry, logger: logger)
            return (PollerService(parts: parts, notifier: notifier, logger: logger), parts.health)
        }
    }

    /// One line for people, and the exit code that says who has to act.
    private static func explain(_ error: any Error, _ logger: Logger) -> ExitCode {
        switch error {
        case is NotDrained:
            logger.error("stopped before everything in flight was finished; it is taken up again after the next start")
            return .notDrained
        case let error as DaemonError:
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
