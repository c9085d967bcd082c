import Hummingbird
import NIOCore

/// The context of one request. It holds the connection on which the request arrived.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Answers 413 to a request that announces a body, and closes the connection.
///
/// No page reads a body.
struct BodyRefusal: RouterMiddleware {
    func handle(
        _ request: Request, context: ConnectionContext, next: (Request, ConnectionContext) async throws -> Response
    ) async throws -> Response {
        guard Self.announcesBody(request) else { return try await next(request, context) }
        let closing = ResponseBody(contentLength: 0) { writer in
            try await writer.finish(nil)
            try await context.channel.close()
        }
        return Response(status: .contentTooLarge, headers: [.connection: "close"], body: closing)
    }

    private static func announcesBody(_ request: Request) -> Bool {
        if request.headers[.transferEncoding] != nil { return true }
        guard let length = request.headers[.contentLength] else { return false }
        return length != "0"
    }
}
