internal import ExactJSON
private import Foundation
internal import Hummingbird
internal import NIOCore
private import NIOHTTP1
private import ServiceLifecycle

/// The HTTP side: identifies the call, lets ``SimulatedBOS`` decide, and carries out the decision on the connection.
struct SimulatorResponder: HTTPResponder {
    /// Gives access to the connection, because some faults are faults of the connection.
    struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let channel: any Channel

        init(source: ApplicationRequestContextSource) {
            coreContext = CoreRequestContextStorage(source: source)
            channel = source.channel
        }
    }

    let simulator: Simulator

    func respond(to request: Request, context: Context) async throws -> Response {
        let path = request.uri.path
        var request = request
        let body = try await Array(buffer: request.collectBody(upTo: 1 << 20))
        if request.method == .post, let endpoint = endpoint(at: path) {
            return try await respond(to: endpoint, body: body, headers: request.headers, on: context.channel)
        }
        return respondAsSimulator(to: request, path: path, body: body)
    }

    private func endpoint(at path: String) -> BOSEndpoint? {
        if path == simulator.configuration.authorisePath { return .authorise }
        guard path.hasPrefix(simulator.configuration.basePath) else { return nil }
        let endpoint = path.dropFirst(simulator.configuration.basePath.count + 1)
        return BOSEndpoint.allCases.first { $0 != .authorise && $0.rawValue == endpoint }
    }

    private func respond(to endpoint: BOSEndpoint, body: [UInt8], headers: HTTPFields, on channel: any Channel) async throws -> Response {
        var caller = Caller()
        if let authorization = headers[.authorization], authorization.hasPrefix("Bearer ") {
            caller.token = String(authorization.dropFirst("Bearer ".count))
        }
        if endpoint == .authorise {
            caller.clientID = headers.first { $0.name.canonicalName == "x-client-id" }?.value
            caller.clientSecret = headers.first { $0.name.canonicalName == "x-client-secret" }?.value
        }
        let (effect, delay) = simulator.withBOS { bos, now in bos.answer(endpoint, body: body, caller: caller, at: now) }
        if delay > .zero { try await cancelWhenGracefulShutdown { try await Task.sleep(for: delay) } }
        switch effect {
        case .reply(let reply):
            if reply.isTwice { try await write(reply, past: channel) }
            return Response(reply)
        case .reset:
            // With a linger time of zero, closing sends RST instead of FIN.
            try? await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            try? await channel.close().get()
        case .hold(let closeAfter):
            let closing = closeAfter.map { channel.eventLoop.scheduleTask(in: TimeAmount($0)) { channel.close(promise: nil) } }
            defer { closing?.cancel() }
            // Without half-closed connections the channel closes when the caller closes its side.
            try? await channel.setOption(.allowRemoteHalfClosure, value: false).get()
            await withTaskCancellationOrGracefulShutdownHandler {
                try? await channel.closeFuture.get()
            } onCancelOrGracefulShutdown: {
                channel.close(promise: nil)
            }
        }
        throw ConnectionEnded()
    }

    /// Writes an extra answer, which no HTTP server would send. The regular answer follows it.
    private func write(_ reply: SimulatorReply, past channel: any Channel) async throws {
        let head = "HTTP/1.1 \(reply.httpStatus) OK\r\nContent-Type: application/json\r\nContent-Length: \(reply.body.count)\r\n\r\n"
        let bytes = ByteBuffer(bytes: Array(head.utf8) + reply.body)
        try await channel.eventLoop.submit {
            let encoder = try channel.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
            encoder.writeAndFlush(NIOAny(bytes), promise: nil)
        }.get()
    }

    /// Answers `/simulator/…`: requests of the simulator's users. They are no part of BOS.
    private func respondAsSimulator(to request: Request, path: String, body: [UInt8]) -> Response {
        switch (request.method, path) {
        case (.get, "/simulator/health"):
            return Response(json: Array(#"{"status":"ok"}"#.utf8))
        case (.get, "/simulator/books"):
            let books = simulator.withBOS { bos, now in bos.books(at: now) }
            return Response(json: (request.uri.queryParameters["references"] == "1" ? books.references : books.totals).encoded)
        case (.get, "/simulator/faults"):
            return Response(json: (try? simulator.withBOS { bos, _ in bos.plan }.json) ?? [])
        case (.put, "/simulator/faults"):
            do {
                let plan = try FaultPlan(json: body)
                simulator.withBOS { bos, now in bos.follow(plan, at: now) }
                return Response(json: try plan.json)
            } catch {
                return Response(json: JSONValue.object([.init("error", .string("\(error)"))]).encoded, status: .badRequest)
            }
        case (.post, "/simulator/reset"):
            simulator.withBOS { bos, _ in bos.reset() }
            return Response(json: Array(#"{"status":"ok"}"#.utf8))
        default:
            return Response(json: Array(#"{"error":"there is nothing at this path"}"#.utf8), status: .notFound)
        }
    }
}

/// Thrown when the connection has ended, so that no answer can be written.
private struct ConnectionEnded: Error {}

extension Response {
    fileprivate init(_ reply: SimulatorReply) {
        self.init(json: reply.body, status: HTTPResponse.Status(code: reply.httpStatus))
        if let retryAfter = reply.retryAfter { headers[.retryAfter] = "\(retryAfter)" }
        if let challenge = reply.challenge { headers[.wwwAuthenticate] = challenge }
    }

    fileprivate init(json: [UInt8], status: HTTPResponse.Status = .ok) {
        self.init(
            status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }
}
