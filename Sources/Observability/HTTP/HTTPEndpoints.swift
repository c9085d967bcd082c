import Events
import ExactJSON
import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle

/// Serves the pages of a running worker or poller: the status page on `/`, `/runbook`, `/livez`, `/readyz`, `/metrics` and `/api/status`.
/// Source of the paths: operating.md#pages.
///
/// Put it before the services that it reports on, so that it still answers while they drain. It cuts off a slow client after five seconds,
/// or as soon as its place is needed, refuses bodies, and limits the number of connections and the size of headers.
package struct HTTPEndpoints: Service {
    /// Where to listen (`http.listen`).
    package struct Configuration: Sendable, Equatable {
        /// An address or a host name. The default is loopback, because the pages ask for no password.
        package var host = "127.0.0.1"
        /// With 0 the system chooses a free port, which `onListening` gets.
        package var port = 9464

        package init() {}
    }

    private let configuration: Configuration
    private let registry: PrometheusRegistry
    private let health: any HealthSource
    private let pages: any PageSource
    private let logger: Logger
    private let clients: ClientLimit
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - registry: the metrics of `/metrics`.
    ///   - health: answers `/livez`, `/readyz` and `/api/status`.
    ///   - pages: makes the pages for people.
    ///   - patience: how long a client may take to send the head of a request, and how long a connection may stay without one.
    ///   - onListening: called once, with the port, when connections are accepted.
    package init(
        configuration: Configuration, registry: PrometheusRegistry, health: any HealthSource, pages: any PageSource,
        logger: Logger,
        patience: Duration = .seconds(5), onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.registry = registry
        self.health = health
        self.pages = pages
        self.logger = logger
        clients = ClientLimit(maximum: 64, patience: TimeAmount(patience))
        self.onListening = onListening
    }

    /// Serves until shutdown.
    /// - Throws: ``HTTPEndpointsError`` if it cannot listen on the address.
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
                logger.log(.httpListening, metadata: ["host": "\(configuration.host)", "port": .stringConvertible(port)])
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
            Self.answer(member: "live", problems: health.liveness())
        }
        router.get("readyz") { [health] _, _ in
            Self.answer(member: "ready", problems: await health.readiness())
        }
        router.get("metrics") { [registry] _, _ in
            Self.response(.ok, type: "text/plain; version=0.0.4; charset=utf-8", bytes: Array(registry.render().utf8))
        }
        router.get("api/status") { [health] _, _ in
            Self.response(.ok, type: "application/json", bytes: await health.status())
        }
        router.get("/") { [pages] _, _ in Self.response(await pages.statusPage(isStill: false)) }
        router.get("still") { [pages] _, _ in Self.response(await pages.statusPage(isStill: true)) }
        router.get("runbook/:section") { [pages] _, context in
            guard let page = await pages.runbookPage(context.parameters.get("section") ?? "") else {
                return Self.response(.notFound, type: "text/plain; charset=utf-8", bytes: Array("The runbook has no such section.\n".utf8))
            }
            return Self.response(page)
        }
        return router
    }

    /// The answer to a probe: 200 with `{"ready":true}`, or 503 with `false` and the reasons.
    private static func answer(member: String, problems: [HealthProblem]) -> Response {
        var members = [JSONValue.Member(member, .bool(problems.isEmpty))]
        if !problems.isEmpty {
            let reasons = problems.map { problem in
                JSONValue.object([
                    JSONValue.Member("check", .string(problem.check)), JSONValue.Member("detail", .string(problem.detail)),
                ])
            }
            members.append(JSONValue.Member("reasons", .array(reasons)))
        }
        return response(problems.isEmpty ? .ok : .serviceUnavailable, type: "application/json", bytes: JSONValue.object(members).encoded)
    }

    private static func response(_ status: HTTPResponse.Status, type: String, bytes: [UInt8]) -> Response {
        Response(
            status: status,
            headers: [.contentType: type, .cacheControl: "no-store", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A page for people. The browser may load nothing, run nothing, and show it in no frame of another page.
    private static func response(_ page: Page) -> Response {
        var answer = response(.ok, type: "text/html; charset=utf-8", bytes: Array(page.html.utf8))
        answer.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src '\(page.styleHash)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        answer.headers[named: "Referrer-Policy"] = "no-referrer"
        answer.headers[.crossOriginResourcePolicy] = "same-origin"
        // A header and not an element of the page: the page offers /still to those whom the change of the page disturbs.
        if let seconds = page.refreshSeconds { answer.headers[named: "Refresh"] = "\(seconds)" }
        return answer
    }
}

extension HTTPFields {
    /// A header that the library has no name for.
    fileprivate subscript(named name: String) -> String? {
        get { HTTPFields.Element.Name(name).flatMap { self[$0] } }
        set { if let name = HTTPFields.Element.Name(name) { self[name] = newValue } }
    }
}

/// Why the HTTP endpoints cannot listen. The configuration has to change, so the process ends with exit code 78.
package enum HTTPEndpointsError: Error, Equatable, CustomStringConvertible {
    case addressInUse(host: String, port: Int)
    case addressNotHere(host: String, port: Int)
    case notPermitted(host: String, port: Int)
    case unresolvable(host: String)
    case other(host: String, port: Int, code: Int32)

    init(configuration: HTTPEndpoints.Configuration, code: Int32) {
        let (host, port) = (configuration.host, configuration.port)
        self =
            switch code {
            case EADDRINUSE: .addressInUse(host: host, port: port)
            case EADDRNOTAVAIL: .addressNotHere(host: host, port: port)
            case EACCES, EPERM: .notPermitted(host: host, port: port)
            default: .other(host: host, port: port, code: code)
            }
    }

    package var description: String {
        switch self {
        case .addressInUse(let host, let port):
            "http.listen: another program is listening on \(host):\(port) already; stop that program, or choose another port"
        case .addressNotHere(let host, let port):
            "http.listen: this machine does not have the address \(host) of \(host):\(port); use one of its own addresses"
        case .notPermitted(let host, let port):
            "http.listen: this user may not listen on \(host):\(port); choose a port above 1023"
        case .unresolvable(let host):
            "http.listen: the host name \(host) could not be resolved; use an address such as 127.0.0.1"
        case .other(let host, let port, let code):
            "http.listen: listening on \(host):\(port) failed with system error \(code) (\(String(cString: strerror(code)))); choose another address"
        }
    }
}
