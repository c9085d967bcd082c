import CLinux
import Events
import FoundationEssentials
import Glibc
package import Logging
import Synchronization

/// Where all loggers of the process write: one file descriptor.
///
/// A thread of its own writes, so that a reader that is stuck stops nothing but the log: what does not fit into the buffer is dropped and
/// counted. The level is shared, so that re-reading the configuration changes it for loggers made long ago.
package final class LogOutput: Sendable {
    private let formatter: LogLineFormatter
    /// journald takes the level of a line from a prefix, and takes the prefix away: without it `journalctl -p err` shows none of ours.
    private let isJournal: Bool
    private let now: @Sendable () -> Int64
    private let currentLevel: Atomic<Int>
    private let writer: LogWriter

    /// - Parameters:
    ///   - descriptor: stays the caller's to close; standard error by default, as journald and containers expect it.
    ///   - journal: `JOURNAL_STREAM` as systemd sets it, `device:inode` of what journald reads (systemd.exec(5)).
    ///   - capacity: bytes of lines that wait to be written, at the most.
    ///   - now: milliseconds since 1970; injected by tests.
    package init(
        _ configuration: Configuration, descriptor: Int32 = STDERR_FILENO,
        journal: String? = getenv("JOURNAL_STREAM").map { String(cString: $0) },
        capacity: Int = 4 << 20, now: @escaping @Sendable () -> Int64 = LogOutput.wallClock
    ) {
        isJournal = journal != nil && journal == Self.fileIdentity(of: descriptor)
        self.now = now
        currentLevel = Atomic(Self.rank(of: configuration.level))
        let isTerminal = isatty(descriptor) == 1
        formatter =
            switch configuration.format {
            case .json: .json
            case .auto where !isTerminal: .json
            case .auto, .human: .human(isColoured: isTerminal && getenv("NO_COLOR") == nil)
            }
        writer = LogWriter(descriptor: descriptor, capacity: capacity)
        writer.start { [formatter, isJournal] dropped in
            let line = LogLine(
                level: EventName.logLinesDropped.row.level, logger: "log", message: EventName.logLinesDropped.row.sentence,
                fields: ["event": "\(EventName.logLinesDropped.rawValue)", "lines": .stringConvertible(dropped)])
            return Self.bytes(of: line, formatter, isJournal, at: now())
        }
    }

    /// Lines that were dropped so far.
    package var droppedLines: Int { writer.droppedLines }

    /// Returns when everything so far is written, or after that time; at the end of the process.
    package func flush(within limit: Duration) { writer.flush(within: limit) }

    /// The level below which nothing is written; takes effect for every logger at once.
    package var level: Logger.Level {
        get { Logger.Level.allCases[currentLevel.load(ordering: .relaxed)] }
        set { currentLevel.store(Self.rank(of: newValue), ordering: .relaxed) }
    }

    /// Makes every `Logger` of the process write here. Once, before the first logger is made.
    package func bootstrap() {
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, output: self) }
    }

    func write(_ line: LogLine) { writer.append(Self.bytes(of: line, formatter, isJournal, at: now())) }

    private static func bytes(of line: LogLine, _ formatter: LogLineFormatter, _ isJournal: Bool, at now: Int64) -> [UInt8] {
        (isJournal ? Array("<\(priority(of: line.level))>".utf8) : []) + formatter.bytes(of: line, at: now)
    }

    /// As `JOURNAL_STREAM` spells it.
    private static func fileIdentity(of descriptor: Int32) -> String? {
        var (device, inode): (UInt64, UInt64) = (0, 0)
        return bos_file_identity(descriptor, &device, &inode) ? "\(device):\(inode)" : nil
    }

    /// The level in syslog's numbers (sd-daemon(3)).
    private static func priority(of level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// The system's clock in milliseconds since 1970.
    package static func wallClock() -> Int64 { Int64(Date.now.timeIntervalSince1970 * 1000) }

    private static func rank(of level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}

extension LogOutput {
    /// What is logged, and how a line looks. Keys `log.level` and `log.format`.
    package struct Configuration: Sendable, Equatable {
        /// Lines below this level are not written.
        package var level: Logger.Level = .info
        package var format = Format.auto

        package init() {}

        /// How a line looks.
        package enum Format: String, CaseIterable, Sendable {
            /// `human` on a terminal, otherwise `json`.
            case auto
            /// For people. Coloured on a terminal, unless `NO_COLOR` is set.
            case human
            /// One JSON object per line: `{"ts":…,"level":…,"logger":…,"message":…,"fields":{…}}`.
            case json
        }
    }
}
