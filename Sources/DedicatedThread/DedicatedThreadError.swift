private import Glibc

/// Why a dedicated thread could not be had.
package enum DedicatedThreadError: Error, CustomStringConvertible {
    /// The system call failed with this `errno`: the process is out of descriptors or threads.
    case cannotStart(name: String, call: String, code: Int32)

    package var description: String {
        switch self {
        case .cannotStart(let name, let call, let code):
            "the thread \(name) could not be started: \(call) failed (\(String(cString: strerror(code)))); raise the limits of open files and tasks"
        }
    }
}
