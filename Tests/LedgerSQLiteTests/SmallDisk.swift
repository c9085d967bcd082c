import Foundation
import Glibc
import Ledger

/// A file system of a few MiB that a test can fill or make read-only. Only root can mount it.
final class SmallDisk {
    static let isPossible = geteuid() == 0

    let temporary: TemporaryLedger
    private var filler: String { temporary.folder + "/filler" }

    init(mebibytes: Int) throws {
        temporary = try TemporaryLedger()
        try Self.check(mount("tmpfs", temporary.folder, "tmpfs", 0, "size=\(mebibytes)m"), of: "mount")
    }

    deinit { umount2(temporary.folder, Int32(MNT_DETACH)) }

    /// Uses up all free space.
    func fill() throws {
        let descriptor = open(filler, O_WRONLY | O_CREAT, 0o600)
        try Self.check(descriptor, of: "open")
        defer { Glibc.close(descriptor) }
        let page = [UInt8](repeating: 0, count: 4096)
        lseek(descriptor, 0, SEEK_END)
        while write(descriptor, page, page.count) > 0 {}
    }

    func makeRoom() throws {
        // Truncated first: a process that another test starts shares this process's open files for a moment, and an open file keeps its space
        // even after it was removed.
        try Self.check(truncate(filler, 0), of: "truncate")
        try Self.check(unlink(filler), of: "unlink")
    }

    func remount(isReadOnly: Bool) throws {
        let options = UInt(MS_REMOUNT | (isReadOnly ? MS_RDONLY : 0))
        // A process that another test starts shares this process's open files for a moment, and a file open for writing keeps the disk busy.
        let deadline = ContinuousClock.now + .seconds(10)
        while mount(nil, temporary.folder, nil, options, nil) < 0 {
            guard errno == EBUSY, ContinuousClock.now < deadline else { return try Self.check(-1, of: "remount") }
            sched_yield()
        }
    }

    private static func check(_ result: Int32, of call: String) throws {
        if result < 0 { throw LedgerError.unavailable("\(call): \(String(cString: strerror(errno)))") }
    }
}
