import CLinux
import Events
import FoundationEssentials
import Glibc
package import Logging
import Synchronization

/// Writes the lines of all loggers of the process to one file descriptor.
///
/// A thread of its own writes, so a reader that is stuck stops only the log. Lines that do not fit into the buffer are dropped and counted.
/// All loggers share the level, so a reload of the configuration changes it for existing loggers too.
package final class LogOutput: Sendable {
    private let formatter: LogLineFormatter
    /// Whether journald reads the lines. journald reads the level from a prefix of the line and removes the prefix. Without a prefix
    /// `journalctl -p err` shows no line of this process.
    private let isJournal: Bool
    private let now: @Sendable () -> Int64
    private let currentLevel: Atomic<Int>
    private let writer: LogWriter
    /// The last notable events among the lines that were written.
    package let recentEvents = RecentEvents()

    /// - Parameters:
    ///   - descriptor: where to write. The caller closes it. The default is standard error, which journald and containers read.
    ///   - journal: the variable `JOURNAL_STREAM`, which systemd sets to `device:inode` of the stream that journald reads
    ///     (systemd.exec(5)).
    ///   - capacity: how many bytes of lines may wait to be written.
    ///   - now: the time in milliseconds since 1970. Tests inject it.
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
        writer.start(noticeOf: { [formatter, isJournal] dropped in
            let line = LogLine(
                level: EventName.logLinesDropped.row.level, logger: "log", message: EventName.logLinesDropped.row.sentence,
                fields: ["event": "\(EventName.logLinesDropped.rawValue)", "lines": .stringConvertible(dropped)])
            return formatter.bytes(of: line, at: now(), isJournal: isJournal)
        })
    }

    /// The number of lines that were dropped so far.
    package var droppedLines: Int { writer.droppedLines }

    /// Waits until all lines so far are written, but no longer than `limit`. It blocks the thread: for the end of the process, and for
    /// tests.
    package func flush(within limit: Duration) { writer.flush(within: limit) }

    /// Lines below this level are not written. A change takes effect at once for every logger without a level of its own.
    package var level: Logger.Level {
        get { Logger.Level.allCases[currentLevel.load(ordering: .relaxed)] }
        set { currentLevel.store(Self.rank(of: newValue), ordering: .relaxed) }
    }

    /// Makes every `Logger` of the process write here. Call it once, before the first logger is made.
    package func bootstrap() {
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, output: self) }
    }

    func write(_ line: LogLine) {
        let now = now()
        writer.append(formatter.bytes(of: line, at: now, isJournal: isJournal))
        recentEvents.record(line, at: now)
    }

    /// The device and the inode of an open file, written as in `JOURNAL_STREAM`.
    private static func fileIdentity(of descriptor: Int32) -> String? {
        var (device, inode): (UInt64, UInt64) = (0, 0)
        return bos_file_identity(descriptor, &device, &inode) ? "\(device):\(inode)" : nil
    }

    /// The time of the system's clock, in milliseconds since 1970.
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
