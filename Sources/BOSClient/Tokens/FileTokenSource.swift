private import Foundation
private import Glibc
import Secrets
private import Synchronization

/// A token in a file. Another program writes the file, and writes it again when the token changes.
///
/// The source compares the file's identity (behind symbolic links) at most once a second, and reads the file if the identity has changed. After a
/// refused token it reads the file at once, because two tokens of the same length that were written within one tick of the clock have the same
/// identity. The file is small and local, so reading it on the thread of the call costs less than a change of thread.
final class FileTokenSource: TokenSource {
    private struct Identity: Equatable {
        let device: UInt
        let inode: UInt
        let size: Int
        /// When the content, owner, mode or links last changed: seconds and nanoseconds.
        let changed: [Int]

        /// - Returns: `nil` if there is no regular file at the path.
        init?(path: String) {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            (device, inode, size) = (status.st_dev, status.st_ino, status.st_size)
            changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
        }
    }

    private struct State {
        var identity: Identity?
        var token: Secret?
        var version: UInt64 = 0
        var problem: String? = "the token file has not been read yet"
        /// In seconds of the monotonic clock.
        var checkedAt = -Double.infinity
        /// When a new token was read, in Unix seconds.
        var renewedAt: Double?
    }

    private let path: String
    private let clock: BOSClock
    private let stored = Mutex(State())

    init(path: String, clock: BOSClock) {
        self.path = path
        self.clock = clock
    }

    func token() async -> TokenAnswer {
        let state = current()
        guard let token = state.token else { return .unavailable(state.problem ?? "there is no token") }
        return .token(token, CredentialVersion(state.version))
    }

    func renew(refused: CredentialVersion) async -> Bool {
        let state = current(isRefused: true)
        return state.token != nil && state.version != refused.number
    }

    var state: CredentialState {
        let state = current()
        return CredentialState(isUsable: state.token != nil, expiresAt: nil, problem: state.problem, renewedAt: state.renewedAt)
    }

    func run() async {}

    /// - Parameter isRefused: BOS refused the token, so the file is read even if its identity is unchanged.
    private func current(isRefused: Bool = false) -> State {
        let now = clock.monotonic()
        return stored.withLock { state in
            guard isRefused || now - state.checkedAt >= 1 else { return state }
            state.checkedAt = now
            if isRefused { state.identity = nil }
            reload(&state)
            return state
        }
    }

    private func reload(_ state: inout State) {
        guard let identity = Identity(path: path) else {
            return discard(
                &state,
                problem:
                    "the token file \(path) is missing, is not a regular file, or cannot be reached; check the path and the program that writes it"
            )
        }
        guard identity != state.identity else { return }
        guard identity.size <= 65_536, let contents = FileManager.default.contents(atPath: path) else {
            return discard(
                &state,
                problem: "the token file \(path) cannot be read or is longer than 65,536 bytes; check its permissions and its content")
        }
        // Some editors write a byte order mark before the text.
        let noise = CharacterSet.whitespacesAndNewlines.union(CharacterSet(charactersIn: "\u{FEFF}"))
        let token = Secret(String(decoding: contents, as: UTF8.self).trimmingCharacters(in: noise))
        guard token.isToken else {
            return discard(&state, problem: "the token file \(path) is empty or does not hold a token; write the bare token into it")
        }
        state.identity = identity
        state.problem = nil
        if token != state.token {
            state.token = token
            state.version += 1
            state.renewedAt = clock.now()
        }
    }

    private func discard(_ state: inout State, problem: String) {
        state.identity = nil
        state.token = nil
        state.problem = problem
    }
}
