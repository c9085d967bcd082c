private import Foundation
private import Hummingbird
private import Logging
private import NIOCore
private import ServiceLifecycle
internal import Synchronization

/// A stand-in for BOS over real HTTP, with a fault plan and books of what it has executed.
///
/// It is for newcomers and tests. It keeps everything in memory, and anyone who can reach its address can use it.
package final class Simulator: Sendable {
    /// Where the simulator listens, which tokens it accepts and how it answers.
    package struct Configuration: Sendable {
        package var host = "127.0.0.1"
        /// The port; 0 lets the system choose one.
        package var port = 0
        /// The path in front of `DoRecharge`, `RechargesStatus` and `Status`.
        package var basePath = "/api/BOS"
        package var authorisePath = "/payout/v1/authorize"
        /// Whether BOS refuses calls without a valid token with HTTP 401 and code 16.
        package var isTokenRequired = false
        /// A token that never expires, for callers that read theirs from a file.
        package var fixedToken: String?
        /// The client secret that the authorise call accepts; `nil`: any.
        package var clientSecret: String?
        package var tokenLifetime: Duration = .seconds(600)
        package var plan = FaultPlan()
        package var shape = ReplyShape.real
        /// Whether `refid` in answers is BOS's own number instead of the caller's reference; `nil`: only in the shape `real`.
        package var hasOwnNumber: Bool?
        package var enquiryNames = EnquiryNames.referenceid
        /// Whether no enquiry ever finds a recharge, executed or not.
        package var isBlind = false

        package init() {}
    }

    let configuration: Configuration
    private let startedAt = ContinuousClock.now
    private let bos: Mutex<SimulatedBOS>

    /// Makes a simulator that does not listen yet.
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

    /// Runs `body` with the simulated BOS and the time since the start.
    func withBOS<Result: Sendable>(_ body: (inout SimulatedBOS, Duration) throws -> Result) rethrows -> Result {
        let now = startedAt.duration(to: .now)
        return try bos.withLock { try body(&$0, now) }
    }

    /// Serves while `body` runs, and then stops in good order. For tests that run BOS in their own process.
    ///
    /// The server is stopped and never cancelled. A cancelled server may leave an accepted connection unserved.
    /// - Parameter body: gets the address as `http://host:port`.
    package func serve<Result>(while body: (_ address: String) async throws -> Result) async throws -> Result {
        let (addresses, continuation) = AsyncStream.makeStream(of: String.self)
        let service = application { continuation.yield($0) }
        let services = ServiceGroup(configuration: .init(services: [.init(service: service)], logger: service.logger))
        // Not a child task, because cancelling the caller must not cancel the server. The shutdown below ends it.
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

    /// Serves until the process gets `SIGTERM` or `SIGINT`.
    /// - Parameter onListening: gets the address as `http://host:port`.
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
