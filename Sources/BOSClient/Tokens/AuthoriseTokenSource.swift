internal import Events
internal import Logging
import Secrets
private import Synchronization

/// A token from the authorise call, replaced before it expires.
///
/// However many calls want a token, one renewal is under way at most; after a failure the next one waits, longer each time. All of it is
/// measured by the steady clock: a civil clock that is set forbids no renewal and keeps no token alive.
final class AuthoriseTokenSource: TokenSource {
    private struct State {
        var token: Secret?
        var version: UInt64 = 0
        var expiresAt = -Double.infinity
        /// The same in Unix seconds, for people.
        var expiry = -Double.infinity
        /// When the token is to be replaced: after 70 to 80 % of its life, so that many workers do not ask at the same moment.
        var renewAt = -Double.infinity
        var failures = 0
        /// No renewal before that, after one has failed.
        var notBefore = -Double.infinity
        /// When a refused token was last replaced.
        var forcedAt = -Double.infinity
        var problem = "no token has been obtained yet"
        var renewal: Task<Void, Never>?
    }

    private let request: AuthoriseRequest
    private let transport: HTTPTransport
    private let clock: BOSClock
    private let logger: Logger
    private let stored = Mutex(State())

    init(request: AuthoriseRequest, transport: HTTPTransport, clock: BOSClock, logger: Logger) {
        self.request = request
        self.transport = transport
        self.clock = clock
        self.logger = logger
    }

    func token() async -> TokenAnswer {
        if let answer = usableToken() { return answer }
        await renewal()?.value
        return usableToken() ?? .unavailable(stored.withLock(\.problem))
    }

    func renew(refused: CredentialVersion) async -> Bool {
        let now = clock.steady()
        let interval = request.configuration.renewalInterval / .seconds(1)
        let renewal: Task<Void, Never>? = stored.withLock { state in
            guard state.version == refused.number else { return nil }
            if let renewal = state.renewal { return renewal }
            guard now - state.forcedAt >= interval, now >= state.notBefore else { return nil }
            state.forcedAt = now
            return startRenewal(&state)
        }
        await renewal?.value
        return stored.withLock { $0.version != refused.number && $0.token != nil }
    }

    var state: CredentialState {
        let now = clock.steady()
        return stored.withLock { state in
            guard state.token != nil else { return CredentialState(isUsable: false, expiresAt: nil, problem: state.problem) }
            let isUsable = now < state.expiresAt
            return CredentialState(isUsable: isUsable, expiresAt: state.expiry, problem: isUsable ? nil : state.problem)
        }
    }

    func run() async {
        while !Task.isCancelled {
            let now = clock.steady()
            let due = stored.withLock { max($0.renewAt, $0.notBefore) }
            if now < due {
                do { try await clock.sleep(.seconds(due - now)) } catch { return }
            } else {
                await renewal()?.value
            }
        }
    }

    private func usableToken() -> TokenAnswer? {
        let now = clock.steady()
        return stored.withLock { state in
            guard let token = state.token, now < state.expiresAt else { return nil }
            return .token(token, CredentialVersion(state.version))
        }
    }

    /// The renewal under way, or a new one; `nil` while a failure's pause lasts.
    private func renewal() -> Task<Void, Never>? {
        let now = clock.steady()
        return stored.withLock { state in
            if let renewal = state.renewal { return renewal }
            return now >= state.notBefore ? startRenewal(&state) : nil
        }
    }

    private func startRenewal(_ state: inout State) -> Task<Void, Never> {
        // A task of its own: it serves everybody who waits, so it must not end with the one who happened to ask first. The
        // authorise call's time-out bounds it.
        let renewal = Task {
            do throws(AuthoriseRequest.Failure) {
                succeed(try await request.send(over: transport))
            } catch {
                fail(error.problem)
            }
        }
        state.renewal = renewal
        return renewal
    }

    private func succeed(_ grant: AuthoriseRequest.Grant) {
        let now = clock.steady()
        let expiry = clock.now() + grant.lifetime
        let jitter = clock.random()
        stored.withLock { state in
            state.token = grant.token
            state.version += 1
            state.expiresAt = now + grant.lifetime
            state.expiry = expiry
            state.renewAt = now + grant.lifetime * (0.8 - 0.1 * jitter)
            state.failures = 0
            state.notBefore = -.infinity
            state.problem = "the token has expired"
            state.renewal = nil
        }
        logger.log(.tokenRenewed, metadata: ["lifetime_seconds": "\(Int(grant.lifetime))"])
    }

    private func fail(_ problem: String) {
        let now = clock.steady()
        let jitter = clock.random()
        let pause = stored.withLock { state in
            state.failures += 1
            let pause = Double(min(1 << min(state.failures, 10), 60)) * (0.5 + 0.5 * jitter)
            state.notBefore = now + pause
            state.problem = problem
            state.renewal = nil
            return pause
        }
        logger.log(.tokenNotRenewed, metadata: ["problem": "\(problem)", "retry_in_seconds": "\(Int(pause.rounded(.up)))"])
    }
}
