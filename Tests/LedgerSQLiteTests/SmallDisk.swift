import Foundation
import Glibc
import Ledger

/// A file system of a few MiB that can be filled and made read-only; needs root to mount it.
final class SmallDisk {
    static let isPossible = geteuid() == 0

    let temporary: TemporaryLedger
    private var filler: String { temporary.folder + "/filler" }

    init(mebibytes: Int) throws {
        temporary = try TemporaryLedger()
        try Self.check(mount("tmpfs", temporary.folder, "tmpfs", 0, "size=\(mebibytes)m"), "mount")
    }

    deinit { umount2(temporary.folder, Int32(MNT_DETACH)) }

    /// Takes every byte that is left.
    func fill() throws {
        let descriptor = open(filler, O_WRONLY | O_CREAT, 0o600)
        try Self.check(descriptor, "open")
        defer { Glibc.close(descriptor) }
        let page = [UInt8](repeating: 0, count: 4096)
        lseek(descriptor, 0, SEEK_END)
        while write(descriptor, page, page.count) > 0 {}
    }

    func makeRoom() throws {
        // Removing it alone would not do: a process that another test is starting shares our open files for a moment, and a file that is
        // open anywhere keeps its room.
        try Self.check(truncate(filler, 0), "truncate")
        try Self.check(unlink(filler), "unlink")
    }

    func setReadOnly(_ isReadOnly: Bool) throws {
        let options = UInt(MS_REMOUNT | (isReadOnly ? MS_RDONLY : 0))
        // A process that another test is starting shares our open files for a moment, and a file open for writing keeps its disk busy.
        let deadline = ContinuousClock.now + .seconds(10)
        while mount(nil, temporary.folder, nil, options, nil) < 0 {
            guard errno == EBUSY, ContinuousClock.now < deadline else { return try Self.check(-1, "remount") }
            sched_yield()
        }
    }

    private static func check(_ result: Int32, _ call: String) throws {
        if result < 0 { throw LedgerError.unavailable("\(call): \(String(cString: strerror(errno)))") }
    }
}
