internal import Events
internal import Logging
import Secrets
private import Synchronization

/// A token from the authorise call, replaced before it expires.
///
/// At most one renewal is under way, however many calls need a token. After a failure the next renewal waits, longer after each failure. The
/// monotonic clock measures all of it: an operator who sets the wall clock neither blocks a renewal nor extends a token's life.
final class AuthoriseTokenSource: TokenSource {
    private struct State {
        var token: Secret?
        var version: UInt64 = 0
        /// In seconds of the monotonic clock, as are all times here but `expiry`.
        var expiresAt = -Double.infinity
        /// When the token expires, in Unix seconds. It is only reported.
        var expiry = -Double.infinity
        /// When the worker replaces the token: after 70 to 80 % of its life, so that many workers do not send the call at the same moment.
        var renewAt = -Double.infinity
        var failures = 0
        /// After a failed renewal: no other renewal starts before this time.
        var notBefore = -Double.infinity
        /// When the last renewal because of a refused token started.
        var forcedAt = -Double.infinity
        var problem = "no token has been obtained yet"
        /// When the last renewal succeeded, in Unix seconds.
        var renewedAt: Double?
        /// The last renewal that failed.
        var failure: CredentialState.Failure?
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
        let now = clock.monotonic()
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
        let now = clock.monotonic()
        return stored.withLock { state in
            let isUsable = state.token != nil && now < state.expiresAt
            return CredentialState(
                isUsable: isUsable, expiresAt: state.token == nil ? nil : state.expiry, problem: isUsable ? nil : state.problem,
                renewedAt: state.renewedAt, failure: state.failure)
        }
    }

    func run() async {
        while !Task.isCancelled {
            let now = clock.monotonic()
            let due = stored.withLock { max($0.renewAt, $0.notBefore) }
            if now < due {
                do { try await clock.sleep(.seconds(due - now)) } catch { return }
            } else {
                await renewal()?.value
            }
        }
    }

    private func usableToken() -> TokenAnswer? {
        let now = clock.monotonic()
        return stored.withLock { state in
            guard let token = state.token, now < state.expiresAt else { return nil }
            return .token(token, CredentialVersion(state.version))
        }
    }

    /// The renewal that is under way, or a new one. `nil` during the pause after a failure.
    private func renewal() -> Task<Void, Never>? {
        let now = clock.monotonic()
        return stored.withLock { state in
            if let renewal = state.renewal { return renewal }
            return now >= state.notBefore ? startRenewal(&state) : nil
        }
    }

    private func startRenewal(_ state: inout State) -> Task<Void, Never> {
        // The renewal is a task of its own. It serves all waiting calls, so the cancellation of the call that started it must not end it. The
        // time-out of the authorise call bounds it.
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
        let now = clock.monotonic()
        let wallClock = clock.now()
        let jitter = clock.random()
        stored.withLock { state in
            state.token = grant.token
            state.version += 1
            state.expiresAt = now + grant.lifetime
            state.expiry = wallClock + grant.lifetime
            state.renewedAt = wallClock
            state.renewAt = now + grant.lifetime * (0.8 - 0.1 * jitter)
            state.failures = 0
            state.notBefore = -.infinity
            state.problem = "the token has expired"
            state.renewal = nil
        }
        logger.log(.tokenRenewed, metadata: ["lifetime_seconds": "\(Int(grant.lifetime))"])
    }

    private func fail(_ problem: String) {
        let now = clock.monotonic()
        let failure = CredentialState.Failure(at: clock.now(), problem: problem)
        let jitter = clock.random()
        let pause = stored.withLock { state in
            state.failures += 1
            let pause = Double(min(1 << min(state.failures, 10), 60)) * (0.5 + 0.5 * jitter)
            state.notBefore = now + pause
            state.problem = problem
            state.failure = failure
            state.renewal = nil
            return pause
        }
        logger.log(.tokenNotRenewed, metadata: ["problem": "\(problem)", "retry_in_seconds": "\(Int(pause.rounded(.up)))"])
    }
}
