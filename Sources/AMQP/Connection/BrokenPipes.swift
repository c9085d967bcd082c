private import Glibc

enum BrokenPipes {
    /// Makes writing to a closed socket an error instead of the end of the process.
    static func ignore() {
        signal(SIGPIPE, SIG_IGN)
    }
}
