import Events
import Logging
import Observability
import ServiceLifecycle
import UnixSignals

/// Reads the configuration again on `SIGHUP`. What can change while running does; the rest is named in the log and kept.
struct ConfigurationReload: Service {
    let program: Settings.Program
    let sources: ConfigurationSources
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
            logger.log(.configurationNotReloaded, ["problems": "\(error)"])
            return
        }
        output.level = read.log.level
        let kept = SettingKey.all.filter { $0.name != "log.level" && $0.differs(settings, read) }.map(\.name)
        if kept.isEmpty {
            logger.log(.configurationReloaded, ["log.level": "\(read.log.level)"])
        } else {
            logger.log(.configurationNeedsRestart, ["kept": "\(kept.joined(separator: ", "))"])
        }
    }
}
