import CLinux
import FoundationEssentials
import Glibc
package import Logging
import Synchronization

/// Where all loggers of the process write: one file descriptor, one `write(2)` for each line.
///
/// One lock around the write keeps lines whole when they are longer than what a pipe takes at once. The level is shared, so
/// that re-reading the configuration changes it for loggers made long ago.
package final class LogOutput: Sendable {
    private let descriptor: Int32
    private let formatter: LogLineFormatter
    /// journald takes the level of a line from a prefix, and takes the prefix away: without it `journalctl -p err` shows none of ours.
    private let isJournal: Bool
    private let now: @Sendable () -> Int64
    private let currentLevel: Atomic<Int>
    private let writing = Mutex(())

    /// - Parameters:
    ///   - descriptor: stays the caller's to close; standard error by default, as journald and containers expect it.
    ///   - journal: `JOURNAL_STREAM` as systemd sets it, `device:inode` of what journald reads (systemd.exec(5)).
    ///   - now: milliseconds since 1970; injected by tests.
    package init(
        _ configuration: LogConfiguration, descriptor: Int32 = STDERR_FILENO,
        journal: String? = getenv("JOURNAL_STREAM").map { String(cString: $0) },
        now: @escaping @Sendable () -> Int64 = LogOutput.wallClock
    ) {
        self.descriptor = descriptor
        isJournal = journal != nil && journal == Self.identity(of: descriptor)
        self.now = now
        currentLevel = Atomic(Self.rank(of: configuration.level))
        let isTerminal = isatty(descriptor) == 1
        formatter =
            switch configuration.format {
            case .json: .json
            case .auto where !isTerminal: .json
            case .auto, .human: .human(isColoured: isTerminal && getenv("NO_COLOR") == nil)
            }
    }

    /// The level below which nothing is written; takes effect for every logger at once.
    package var level: Logger.Level {
        get { Logger.Level.allCases[currentLevel.load(ordering: .relaxed)] }
        set { currentLevel.store(Self.rank(of: newValue), ordering: .relaxed) }
    }

    /// Makes every `Logger` of the process write here. Once, before the first logger is made.
    package func bootstrap() {
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, output: self) }
    }

    func write(_ line: LogLine) {
        let prefix = isJournal ? Array("<\(Self.priority(of: line.level))>".utf8) : []
        let bytes = prefix + formatter.bytes(of: line, at: now())
        writing.withLock { _ in writeAll(bytes) }
    }

    /// A log that cannot be written must not stop the work, so any error but the passing ones drops the rest of the line.
    private func writeAll(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { posixWrite(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                offset += written
            } else if errno == EAGAIN {
                // Standard error is shared with other processes, one of which may have made it non-blocking.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, 100)
            } else if errno != EINTR {
                return
            }
        }
    }

    /// As `JOURNAL_STREAM` spells it.
    private static func identity(of descriptor: Int32) -> String? {
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

/// The C function under a name that the methods above do not hide.
private func posixWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
