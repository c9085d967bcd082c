import ExactJSON
import Foundation
import Logging
import Observability
import Synchronization
import Testing

@Suite("Logging", .timeLimit(.minutes(1)))
struct LoggingTests {
    @Test("a line is one JSON object with time, level, logger, message and fields")
    func jsonLine() throws {
        let lines = try written(.json) { logger in
            logger.warning(
                "job is in doubt", metadata: ["kind": "recharge", "attempts": .stringConvertible(2), "last": .stringConvertible(true)])
        }
        #expect(
            lines == [
                #"{"ts":"2026-11-21T09:00:00.007Z","level":"warning","logger":"bos.test","message":"job is in doubt","fields":{"attempts":2,"kind":"recharge","last":true}}"#
            ])
    }

    @Test(
        "a value with control characters stays on its line, and is read back unchanged", arguments: LogOutput.Configuration.Format.allCases)
    func controlCharacters(format: LogOutput.Configuration.Format) throws {
        let hostile =
            "a\n{\"level\":\"info\"}\r\u{1B}[2J\u{0}\u{7F}\u{85}\u{9B}\u{61C}\u{200E}\u{200F}\u{2028}\u{202E}\u{2066}\u{2069}é\"\\end"
        let lines = try written(format) { logger in
            logger.info("\(hostile)", metadata: ["value": "\(hostile)", "k\ney": ["x": ["\(hostile)"]]])
        }
        try #require(lines.count == 1)
        #expect(!lines[0].unicodeScalars.contains { $0.value < 0x20 })
        for misleading in "\u{7F}\u{85}\u{9B}\u{61C}\u{200E}\u{200F}\u{2028}\u{202E}\u{2066}\u{2069}".unicodeScalars {
            #expect(!lines[0].unicodeScalars.contains(misleading), "\(misleading.value)")
        }
        guard format != .human else { return }
        let object = try JSONValue.parse(Array(lines[0].utf8))
        #expect(object["message"] == .string(hostile))
        #expect(object["level"] == .string("info"))
        #expect(object["fields"]?["value"] == .string(hostile))
        #expect(object["fields"]?["k\ney"]?["x"] == .array([.string(hostile)]))
    }

    @Test("a line for people has its fields sorted, and values of several words in quotes")
    func humanLine() throws {
        let lines = try written(.human) { logger in
            logger.error("failed", metadata: ["b": "two words", "a": "1", "c": "", "d": "x=\"y\""])
        }
        #expect(lines == [#"2026-11-21T09:00:00.007Z ERROR    bos.test: failed a=1 b="two words" c="" d="x=\"y\"""#])
    }

    @Test("without a terminal the format auto means JSON, and no line is coloured")
    func autoWithoutTerminal() throws {
        #expect(try written(.auto) { $0.info("hello") }.allSatisfy { $0.hasPrefix("{") })
        #expect(try written(.human) { $0.info("hello") }.allSatisfy { !$0.contains("\u{1B}") })
    }

    @Test("a line begins with its level if journald reads it, and only then")
    func journalPrefix() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "bos-journal-\(UUID().uuidString)").path
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer {
            close(descriptor)
            unlink(path)
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        let device = try #require(attributes[.systemNumber] as? NSNumber).uint64Value
        let inode = try #require(attributes[.systemFileNumber] as? NSNumber).uint64Value
        for journal in ["\(device):\(inode)", "\(device):\(inode + 1)", nil] {
            let output = LogOutput(LogOutput.Configuration(), descriptor: descriptor, journal: journal, now: { 1_795_251_600_007 })
            let logger = Logger(label: "test") { LineLogHandler(label: $0, output: output) }
            logger.info("one")
            logger.warning("two")
            logger.error("three")
            output.flush(within: .seconds(30))
        }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.map { $0.prefix(4) } == ["<6>{", "<4>{", "<3>{"] + Array(repeating: "{\"ts", count: 6))
    }

    @Test("on a terminal the format auto means a line for people, coloured unless NO_COLOR is set")
    func autoOnTerminal() throws {
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        defer { close(terminal) }
        var isLocked: Int32 = 0
        var number: Int32 = 0
        // TIOCSPTLCK and TIOCGPTN of <asm/ioctls.h>: unlock the other end, and read its number.
        let status = ioctl(terminal, 0x4004_5431, &isLocked) | ioctl(terminal, 0x8004_5430, &number)
        try #require(terminal >= 0 && status == 0, "no pseudo-terminal could be opened")
        let program = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        defer { close(program) }
        let output = LogOutput(LogOutput.Configuration(), descriptor: program, now: { 1_795_251_600_007 })
        Logger(label: "bos.test") { LineLogHandler(label: $0, output: output) }.error("hello")
        output.flush(within: .seconds(30))
        var bytes = [UInt8](repeating: 0, count: 1024)
        let line = String(decoding: bytes[..<read(terminal, &bytes, bytes.count)], as: UTF8.self)
        #expect(line.contains("2026-11-21T09:00:00.007Z"))
        #expect(line.contains("hello\r\n"))
        #expect(line.contains("\u{1B}[1;31mERROR\u{1B}[0m") == (getenv("NO_COLOR") == nil))
    }

    @Test("the configuration's level can change while the process runs, and a logger may have its own level")
    func levels() throws {
        let lines = try written(.human, level: .warning) { logger, output in
            logger.info("one")
            logger.warning("two")
            output.level = .debug
            logger.debug("three")
            var quiet = logger
            quiet.logLevel = .error
            quiet.warning("four")
        }
        #expect(lines.map { $0.split(separator: " ").last } == ["two", "three"])
    }

    @Test("fields of the call win over the logger's fields, and those over the provider's fields")
    func metadataOrder() throws {
        let lines = try written(.human) { original in
            var logger = original
            logger.handler.metadataProvider = Logger.MetadataProvider { ["a": "provider", "b": "provider", "c": "provider"] }
            logger[metadataKey: "b"] = "logger"
            logger[metadataKey: "c"] = "logger"
            logger.info("m", metadata: ["c": "call"])
        }
        #expect(lines.map { $0.hasSuffix("m a=provider b=logger c=call") } == [true])
    }

    @Test("the error of a line is a field")
    func errorIsAField() throws {
        #expect(try written(.json) { $0.error("no", error: Sample()) }.map { $0.contains(#""fields":{"error":"it broke"}"#) } == [true])
    }

    @Test("lines from many threads never mix, however long they are")
    func manyThreads() throws {
        let lines = try written(.json) { logger in
            DispatchQueue.concurrentPerform(iterations: 8) { thread in
                let text = String(repeating: "\(thread)", count: 20_000)
                for _ in 0..<25 { logger.info("long", metadata: ["text": "\(text)"]) }
            }
        }
        #expect(lines.count == 200)
        for line in lines {
            let text = try JSONValue.parse(Array(line.utf8))["fields"]?["text"]?.text
            #expect(text?.count == 20_000)
            #expect(Set(text ?? "").count == 1)
        }
    }

    @Test("a log without a reader does not disturb the process")
    func brokenPipe() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        let output = LogOutput(LogOutput.Configuration(), descriptor: pipe.fileHandleForWriting.fileDescriptor)
        try pipe.fileHandleForReading.close()
        Logger(label: "bos.test") { LineLogHandler(label: $0, output: output) }.error("no reader is left")
        output.flush(within: .seconds(30))
        #expect(output.droppedLines == 0)
    }

    @Test("a stuck reader blocks no logger, and the lines that did not fit are counted and reported once the reader goes on")
    func stuckReader() throws {
        let pipe = Pipe()
        let output = LogOutput(
            LogOutput.Configuration(), descriptor: pipe.fileHandleForWriting.fileDescriptor, capacity: 1 << 20, now: { 1_795_251_600_007 })
        let logger = Logger(label: "bos.test") { LineLogHandler(label: $0, output: output) }
        let text = String(repeating: "x", count: 1_000)
        // Ten times as much as pipe and buffer hold. If a line waited for the reader, this test would not end.
        for _ in 0..<12_000 { logger.info("long", metadata: ["text": "\(text)"]) }
        let dropped = output.droppedLines
        #expect(dropped > 9_000)
        let reader = FileHandle(fileDescriptor: dup(pipe.fileHandleForReading.fileDescriptor), closeOnDealloc: true)
        let reading = Mutex<[UInt8]>([])
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            while let data = try? reader.read(upToCount: 65_536), !data.isEmpty { reading.withLock { $0 += data } }
            done.signal()
        }
        output.flush(within: .seconds(30))
        logger.info("again")
        output.flush(within: .seconds(30))
        try pipe.fileHandleForWriting.close()
        done.wait()
        let lines = String(decoding: reading.withLock { $0 }, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 12_000 - dropped + 2)
        let notices = try lines.map { try JSONValue.parse(Array($0.utf8)) }.filter { $0["level"] == .string("warning") }
        #expect(notices.map { $0["fields"]?["lines"] } == [.number("\(dropped)")])
        #expect(output.droppedLines == dropped)
    }

    private struct Sample: Error, CustomStringConvertible {
        let description = "it broke"
    }

    private func written(_ format: LogOutput.Configuration.Format, level: Logger.Level = .trace, by body: (Logger) -> Void) throws
        -> [String]
    {
        try written(format, level: level) { logger, _ in body(logger) }
    }

    /// The lines that `body` writes to a file descriptor.
    private func written(
        _ format: LogOutput.Configuration.Format, level: Logger.Level = .trace, by body: (Logger, LogOutput) -> Void
    ) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appending(path: "bos-log-\(UUID().uuidString)")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let handle = try FileHandle(forWritingTo: file)
        var configuration = LogOutput.Configuration()
        configuration.format = format
        configuration.level = level
        let output = LogOutput(configuration, descriptor: handle.fileDescriptor, capacity: 16 << 20, now: { 1_795_251_600_007 })
        body(Logger(label: "bos.test") { LineLogHandler(label: $0, output: output) }, output)
        output.flush(within: .seconds(30))
        try handle.close()
        return String(decoding: try Data(contentsOf: file), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
