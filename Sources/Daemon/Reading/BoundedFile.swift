private import CLinux
import Glibc

/// Reads a small file as a whole, or reports exactly why it cannot be read.
enum BoundedFile {
    /// In bytes. Configuration and secrets are a few kilobytes. A larger file means a wrong path, for example a device.
    static let limit = 1 << 20

    /// The content of a file.
    /// - Throws: ``ReadFailure`` with the system's reason. The error never holds any of the content.
    static func read(_ path: String) throws(ReadFailure) -> [UInt8] {
        // O_NONBLOCK, because opening a named pipe without a writer would block the start.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw errno == ENOENT ? .missing : .unreadable(reason(errno)) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += chunk[..<count]
            } else if errno != EINTR {
                throw .unreadable(reason(errno))
            }
        }
        throw .unreadable("it is larger than \(limit) bytes")
    }

    /// Whether every user of this machine may read the file.
    static func isReadableByAll(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)).lowercased() }

    /// Why a file could not be read.
    enum ReadFailure: Error, Equatable {
        case missing
        case unreadable(String)

        /// The reason as a clause, such as "it does not exist".
        var clause: String {
            switch self {
            case .missing: "it does not exist"
            case .unreadable(let reason): reason
            }
        }
    }
}
