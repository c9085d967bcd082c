import AMQP
import BOSClient
private import CLinux
import Events
import Foundation
import JobEngine
import Logging
import Metrics
import Observability
import ServiceLifecycle
import UnixSignals

/// The version of all programs of this package. Each release sets it.
package enum Version {
    package static let current = "0.2.0"
}

/// One start of a daemon, from its options to its exit code.
package struct DaemonProgram {
    private let program: Settings.Program
    private let sources: ConfigurationSources
    private let settings: Settings
    private let output: LogOutput
    private let registry: PrometheusRegistry
    private let notifier = SystemdNotifier()
    private let logger: Logger

    /// Runs the daemon until it is asked to stop, or cannot go on.
    ///
    /// Call it once for each process: it sets up logging and metrics for the whole process.
    package static func run(_ program: Settings.Program, options: DaemonOptions) async -> ProcessExit {
        if options.printConfigurationKeys {
            print(SettingsReference.markdown, terminator: "")
            return .drained
        }
        // Otherwise the C library returns pages to the kernel after each job of a busy worker, and requests them again for the next job.
        bos_keep_freed_memory(64 << 20)
        let sources = options.sources(environment: ProcessInfo.processInfo.environment)
        let settings: Settings
        let warnings: [String]
        do throws(ConfigurationError) {
            (settings, warnings) = try Settings.load(for: program, from: sources)
        } catch {
            printError("\(program.rawValue): \(error)")
            return error.exitCode
        }
        let output = LogOutput(settings.log)
        output.bootstrap()
        // The last lines are often the most useful ones. If the reader of the log is stuck, the process ends without them.
        defer { output.flush(within: .seconds(2)) }
        let registry = PrometheusRegistry()
        registry.observe(.logLinesDropped) { Double(output.droppedLines) }
        MetricsSystem.bootstrap(registry)
        let logger = Logger(label: program.rawValue)
        for warning in warnings { logger.log(.configurationWarning, metadata: ["detail": "\(warning)"]) }
        let daemon = DaemonProgram(
            program: program, sources: sources, settings: settings, output: output, registry: registry, logger: logger)
        return await daemon.run()
    }

    private func run() async -> ProcessExit {
        do {
            logger.log(.processStarting, metadata: ["version": "\(Version.current)"])
            registry.observe(.buildInfo, dimensions: [("version", Version.current)]) { 1 }
            let (service, health) = try await makeService()
            try await serviceGroup(service, health: health, pages: try pages(showing: health)).run()
            logger.log(.processStopped)
            return .drained
        } catch {
            return exitCode(after: error)
        }
    }

    /// The service that does the work, and what it reports about itself.
    private func makeService() async throws -> (any Service, any DaemonHealth) {
        let memory = StatusMemory(registry: registry, events: output.recentEvents, startedAt: SystemClock().now())
        switch program {
        case .worker:
            let parts = try await WorkerParts(settings, memory: memory, logger: logger)
            let service = WorkerService(parts: parts, drainTimeout: settings.drainTimeout, notifier: notifier, logger: logger)
            return (service, parts.health)
        case .poller:
            let parts = try PollerParts(settings, memory: memory, logger: logger)
            return (PollerService(parts: parts, notifier: notifier, logger: logger), parts.health)
        }
    }

    /// The pages for people.
    private func pages(showing health: any DaemonHealth) throws -> StatusPages {
        try StatusPages(runbook: Runbook(path: settings.runbookPath), host: ProcessName.host) { health.snapshot }
    }

    /// All services of the process. They stop in reverse order, so heartbeat and pages still run while the work drains.
    private func serviceGroup(_ service: any Service, health: any DaemonHealth, pages: StatusPages) -> ServiceGroup {
        let heartbeat = SystemdHeartbeat(notifier: notifier, health: health, logger: logger) { health.statusLine }
        let endpoints = HTTPEndpoints(configuration: settings.http, registry: registry, health: health, pages: pages, logger: logger)
        let reload = ConfigurationReload(program: program, sources: sources, settings: settings, output: output, logger: logger)
        return ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: heartbeat), .init(service: endpoints), .init(service: reload),
                    .init(
                        service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    }

    /// Logs why the daemon ends. The exit code tells the supervisor who has to act.
    private func exitCode(after error: any Error) -> ProcessExit {
        switch error {
        case is NotDrained:
            logger.log(.processNotDrained)
            return .notDrained
        case let error as DaemonError:
            logger.log(.processCannotRun, metadata: ["reason": "\(error)"])
            return error.exitCode
        case is HTTPEndpointsError, is AMQPURLError, is BOSConfigurationError:
            logger.log(.configurationInvalid, metadata: ["reason": "\(error)"])
            return .configuration
        default:
            logger.log(.processInternalFault, metadata: ["reason": "\(error)"])
            return .internalFault
        }
    }

    private static func printError(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }
}
