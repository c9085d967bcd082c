import Glibc

/// A port that is bound but has no listener, so that no other program can listen on it.
struct ReservedPort: ~Copyable {
    struct Failure: Error { let code: Int32 }

    let number: UInt16
    private let descriptor: Int32

    init() throws(Failure) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 && getsockname(descriptor, pointer, &size) == 0
            }
        }
        number = UInt16(bigEndian: address.sin_port)
        guard isBound else {
            let code = errno
            close(descriptor)
            throw Failure(code: code)
        }
    }

    /// Gives the port back.
    consuming func release() { close(descriptor) }
}
