private import Foundation

/// Runs programs for tests without blocking the cooperative pool.
package enum Tool {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Runs a program and returns its output, standard error included.
    ///
    /// - Throws: `Failure` with the output when the exit status is not 0.
    @discardableResult
    package static func run(_ path: String, arguments: [String]) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            // A thread of its own, because the program may take half a minute.
            Thread.detachNewThread {
                continuation.resume(with: Result { try runBlocking(path, arguments: arguments) })
            }
        }
    }

    /// Runs a program and blocks until it ends. It also works at the end of this process, where tasks no longer run.
    ///
    /// It uses posix_spawn: a program must not inherit the blocked signals of a Dispatch thread, or a broker would not receive SIGTERM.
    ///
    /// - Throws: `Failure` if the program cannot be started, or ends with another status than 0.
    @discardableResult
    static func runBlocking(_ path: String, arguments: [String]) throws -> String {
        // The output goes to a file. A pipe would stay open for as long as a daemon that inherits it runs.
        let output = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: output) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var strings: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var pid = pid_t()
        let code = posix_spawn(&pid, path, &actions, &attributes, &strings, environ)
        guard code == 0 else { throw Failure(description: "\(path) could not be started: \(String(cString: strerror(code)))") }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        guard status == 0 else { throw Failure(description: "\(path) \(arguments.joined(separator: " ")) ended with \(status): \(text)") }
        return text
    }
}
