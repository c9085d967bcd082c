import Hummingbird

/// Tells the limit when a client has sent the head of its request, and when its answer is made.
struct ClientPatience: RouterMiddleware {
    let clients: ClientLimit

    func handle(
        _ request: Request, context: ConnectionContext, next: (Request, ConnectionContext) async throws -> Response
    ) async throws -> Response {
        clients.beginAnswer(on: context.channel)
        defer { clients.endAnswer(on: context.channel) }
        return try await next(request, context)
    }
}
