private import Foundation
private import Hummingbird
private import Logging
private import NIOCore
private import ServiceLifecycle
internal import Synchronization

/// A stand-in for BOS over real HTTP, with a fault plan and a record of what it executed.
///
/// For newcomers, tests and benchmarks; it keeps everything in memory and trusts everybody on its address.
package final class Simulator: Sendable {
    /// Where it listens and what it insists on.
    package struct Configuration: Sendable {
        package var host = "127.0.0.1"
        /// 0 lets the system choose.
        package var port = 0
        /// The path in front of `DoRecharge`, `RechargesStatus` and `Status`.
        package var basePath = "/api/BOS"
        package var authorisePath = "/payout/v1/authorize"
        /// Whether a call without a valid token is refused with HTTP 401 and code 16.
        package var isTokenRequired = false
        /// A token that is always accepted, for callers that read theirs from a file.
        package var fixedToken: String?
        /// The secret that the authorise call insists on; any is accepted if `nil`.
        package var clientSecret: String?
        package var tokenLifetime: Duration = .seconds(600)
        package var plan = FaultPlan()
        package var shape = ReplyShape.real
        /// Whether `refid` in answers is BOS's own number instead of the caller's reference; `nil` leaves it to the shape: in `real` it is.
        package var hasOwnNumber: Bool?
        package var enquiryNames = EnquiryNames.referenceid
        /// No enquiry ever finds a recharge, executed or not.
        package var isBlind = false

        package init() {}
    }

    let configuration: Configuration
    private let startedAt = ContinuousClock.now
    private let bos: Mutex<SimulatedBOS>

    package init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
        let startedAt = Date().timeIntervalSince1970
        let form = ReplyForm(
            shape: configuration.shape, hasOwnNumber: configuration.hasOwnNumber ?? (configuration.shape == .real), startedAt: startedAt)
        bos = Mutex(
            SimulatedBOS(
                plan: configuration.plan,
                tokens: TokenIssuer(
                    isTokenRequired: configuration.isTokenRequired, lifetime: configuration.tokenLifetime,
                    fixedToken: configuration.fixedToken, clientSecret: configuration.clientSecret,
                    startedAt: startedAt),
                configuration: .init(form: form, enquiryNames: configuration.enquiryNames, isBlind: configuration.isBlind)))
    }

    /// Runs `body` on the simulated BOS together with the time since the start.
    func withBOS<Result: Sendable>(_ body: (inout SimulatedBOS, Duration) throws -> Result) rethrows -> Result {
        let now = startedAt.duration(to: .now)
        return try bos.withLock { try body(&$0, now) }
    }

    /// Serves on a free port while `body` runs, and stops in order afterwards: for tests that want BOS in their own process.
    ///
    /// The server is never cancelled, since that can strand a connection that was accepted but not yet served.
    /// - Parameter body: is given the address as `http://host:port`.
    package func serve<Result>(while body: (_ address: String) async throws -> Result) async throws -> Result {
        let (addresses, continuation) = AsyncStream.makeStream(of: String.self)
        let service = application { continuation.yield($0) }
        let services = ServiceGroup(configuration: .init(services: [.init(service: service)], logger: service.logger))
        // Not a child task: cancelling the caller must not cancel the server. It ends with the shutdown below.
        let serving = Task {
            defer { continuation.finish() }
            try await services.run()
        }
        guard let address = await addresses.first(where: { _ in true }) else {
            try await serving.value
            throw CancellationError()
        }
        do {
            let result = try await body(address)
            await services.triggerGracefulShutdown()
            try await serving.value
            return result
        } catch {
            await services.triggerGracefulShutdown()
            try await serving.value
            throw error
        }
    }

    /// Serves until `SIGTERM` or `SIGINT`, as a program.
    package func runUntilSignal(onListening: @escaping @Sendable (_ address: String) async -> Void) async throws {
        try await application(onListening: onListening).runService()
    }

    private func application(onListening: @escaping @Sendable (_ address: String) async -> Void) -> some ApplicationProtocol {
        var logger = Logger(label: "bos-simulator")
        logger.logLevel = .critical
        let host = configuration.host
        return Application(
            responder: SimulatorResponder(simulator: self),
            configuration: ApplicationConfiguration(address: .hostname(host, port: configuration.port), backlog: 1024),
            onServerRunning: { channel in await onListening("http://\(host):\(channel.localAddress?.port ?? 0)") },
            logger: logger)
    }
}
