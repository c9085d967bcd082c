import ExactJSON
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle

/// The pages of a running worker or poller: `/livez`, `/readyz`, `/metrics` and `/api/status`.
///
/// Put it before the services that it tells about, so that it still answers while they drain. A slow or hostile client
/// is cut off after five seconds, or as soon as its place is needed; bodies are refused, and headers are bounded.
/// Source of the paths: operating.md#pages.
package struct HTTPEndpoints: Service {
    /// Where to listen; `http.listen` of the configuration.
    package struct Configuration: Sendable, Equatable {
        /// An address or a host name. Loopback unless told otherwise: the pages need no password.
        package var host = "127.0.0.1"
        /// 0 lets the system choose; see `onListening`.
        package var port = 9464

        package init() {}
    }

    private let configuration: Configuration
    private let registry: PrometheusRegistry
    private let health: any HealthSource
    private let logger: Logger
    private let clients: ClientLimit
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - patience: how long a client may take to send the head of a request, and how long it may stay without one.
    ///   - onListening: called once with the port on which connections are now accepted.
    package init(
        configuration: Configuration, registry: PrometheusRegistry, health: any HealthSource, logger: Logger,
        patience: Duration = .seconds(5), onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.registry = registry
        self.health = health
        self.logger = logger
        clients = ClientLimit(maximum: 64, patience: TimeAmount(patience))
        self.onListening = onListening
    }

    /// Serves until shutdown.
    /// - Throws: `HTTPEndpointsError` when the address cannot be listened on.
    package func run() async throws {
        var quiet = logger
        quiet.logLevel = .warning
        let application = Application(
            router: router(),
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ClientArrival(clients)],
                    httpDecoderConfiguration: .init(maxHeaderFieldSize: 4096, maxHeaderListSize: 16384, maxHeaderFieldCount: 64))),
            configuration: ApplicationConfiguration(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { [logger, onListening, configuration] channel in
                let port = channel.localAddress?.port ?? configuration.port
                logger.info("HTTP endpoints are listening", metadata: ["host": "\(configuration.host)", "port": .stringConvertible(port)])
                await onListening(port)
            },
            logger: quiet)
        do {
            try await application.run()
        } catch let error as IOError {
            throw HTTPEndpointsError(configuration: configuration, code: error.errnoCode)
        } catch is SocketAddressError.UnknownHost {
            throw HTTPEndpointsError.unresolvable(host: configuration.host)
        }
    }

    private func router() -> Router<ConnectionContext> {
        let router = Router(context: ConnectionContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ClientPatience(clients: clients))
        router.add(middleware: BodyRefusal())
        router.get("livez") { [health] _, _ in
            Self.answer("live", problems: health.liveness())
        }
        router.get("readyz") { [health] _, _ in
            Self.answer("ready", problems: await health.readiness())
        }
        router.get("metrics") { [registry] _, _ in
            Self.response(.ok, "text/plain; version=0.0.4; charset=utf-8", Array(registry.render().utf8))
        }
        router.get("api/status") { [health] _, _ in
            Self.response(.ok, "application/json", await health.status())
        }
        return router
    }

    /// `{"ready":true}`, or 503 with the reasons.
    private static func answer(_ question: String, problems: [HealthProblem]) -> Response {
        var members = [JSONValue.Member(question, .bool(problems.isEmpty))]
        if !problems.isEmpty {
            let reasons = problems.map { problem in
                JSONValue.object([
                    JSONValue.Member("check", .string(problem.check)), JSONValue.Member("detail", .string(problem.detail)),
                ])
            }
            members.append(JSONValue.Member("reasons", .array(reasons)))
        }
        return response(problems.isEmpty ? .ok : .serviceUnavailable, "application/json", JSONValue.object(members).encoded)
    }

    private static func response(_ status: HTTPResponse.Status, _ type: String, _ bytes: [UInt8]) -> Response {
        Response(
            status: status,
            headers: [.contentType: type, .cacheControl: "no-store", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
