private import Foundation
import Secrets
private import Synchronization

/// A token in a file that something else writes anew when the token changes.
///
/// The file's identity (inode, size, time of change) is looked at once a second at most, and at once when a token is refused. It is a
/// small local file, so reading it where the call runs costs less than a change of thread.
final class FileTokenSource: TokenSource {
    private struct Identity: Equatable {
        var inode: UInt64
        var size: UInt64
        var modified: Date
    }

    private struct State {
        var identity: Identity?
        var token: Secret?
        var version: UInt64 = 0
        var problem: String? = "the token file has not been read yet"
        var checkedAt = -Double.infinity
    }

    private let path: String
    private let clock: BOSClock
    private let stored = Mutex(State())

    init(path: String, clock: BOSClock) {
        self.path = path
        self.clock = clock
    }

    func token() async -> TokenAnswer {
        let state = current(force: false)
        guard let token = state.token else { return .unavailable(state.problem ?? "there is no token") }
        return .token(token, CredentialVersion(state.version))
    }

    func renew(refused: CredentialVersion) async -> Bool {
        let state = current(force: true)
        return state.token != nil && state.version != refused.number
    }

    var state: CredentialState {
        let state = current(force: false)
        return CredentialState(isUsable: state.token != nil, expiresAt: nil, problem: state.problem)
    }

    func run() async {}

    private func current(force: Bool) -> State {
        let now = clock.steady()
        return stored.withLock { state in
            guard force || now - state.checkedAt >= 1 else { return state }
            state.checkedAt = now
            reload(&state)
            return state
        }
    }

    private func reload(_ state: inout State) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let inode = attributes[.systemFileNumber] as? UInt64, let size = attributes[.size] as? UInt64,
            let modified = attributes[.modificationDate] as? Date
        else { return lose(&state, "the token file \(path) is missing or cannot be reached; check the path and whatever writes it") }
        let identity = Identity(inode: inode, size: size, modified: modified)
        guard identity != state.identity else { return }
        guard size <= 65_536, let contents = FileManager.default.contents(atPath: path) else {
            return lose(&state, "the token file \(path) cannot be read or is far too long; check its permissions and its content")
        }
        let token = Secret(String(decoding: contents, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
        guard token.isToken else {
            return lose(&state, "the token file \(path) is empty or holds something that is no token; write the bare token into it")
        }
        state.identity = identity
        state.problem = nil
        if token != state.token {
            state.token = token
            state.version += 1
        }
    }

    private func lose(_ state: inout State, _ problem: String) {
        state.identity = nil
        state.token = nil
        state.problem = problem
    }
}
