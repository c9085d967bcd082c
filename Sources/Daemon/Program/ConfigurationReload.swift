import Events
import Logging
import Observability
import ServiceLifecycle
import UnixSignals

/// Reads the configuration again on `SIGHUP`.
///
/// `log.level` changes at once. The log names every other changed key; its old value stays in force until the next start.
struct ConfigurationReload: Service {
    let program: Settings.Program
    let sources: ConfigurationSources
    /// The settings of the start.
    let settings: Settings
    let output: LogOutput
    let logger: Logger

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            for await _ in signals { reload() }
        }
    }

    private func reload() {
        let read: Settings
        do throws(ConfigurationError) {
            read = try Settings.load(for: program, from: sources).settings
        } catch {
            logger.log(.configurationNotReloaded, metadata: ["problems": "\(error)"])
            return
        }
        output.level = read.log.level
        let kept = SettingKey.all.filter { $0.name != "log.level" && $0.differs(between: settings, and: read) }.map(\.name)
        if kept.isEmpty {
            logger.log(.configurationReloaded, metadata: ["log.level": "\(read.log.level)"])
        } else {
            logger.log(.configurationNeedsRestart, metadata: ["kept": "\(kept.joined(separator: ", "))"])
        }
    }
}
