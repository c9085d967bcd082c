import ExactJSON
import NIOCore
import NIOPosix
import Synchronization

/// A server in place of BOS. It answers each call with exactly the bytes of its script, and records every request and every execution.
final class RawBOS: Sendable {
    /// The last path segment of a call.
    enum Endpoint: String, CaseIterable, Sendable {
        case recharge = "DoRecharge"
        case enquiry = "RechargesStatus"
        case panStatus = "Status"
        case authorise
    }

    struct Request: Sendable {
        let endpoint: Endpoint
        /// Counts the requests of this endpoint from 1 on.
        let number: Int
        let headers: [(name: String, value: String)]
        let body: [UInt8]
        let arrivedAt: ContinuousClock.Instant

        /// A member of the body as text; empty if there is none.
        func field(_ name: String) -> String { (try? JSONValue.parse(body))?[name]?.text ?? "" }

        var reference: String { field(endpoint == .panStatus ? "refid" : "referenceid") }

        /// A header's value, whatever the case of its name; `nil` if it was not sent.
        func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
    }

    /// What the server does with one request.
    enum Action: Sendable {
        /// Writes these bytes and keeps the connection.
        case write([UInt8])
        /// Writes these bytes and closes the connection.
        case writeThenClose([UInt8])
        /// Writes the first bytes at once, and the second ones when the next request arrives on the same connection.
        case writeAndOwe([UInt8], [UInt8])
        /// Writes the first bytes at once. Writes the second ones after this time if the connection is idle, and closes it.
        case writeThenExpire([UInt8], [UInt8], after: Duration)
        /// Writes these bytes once the test has opened the hold.
        case hold(Hold, [UInt8])
        /// Never answers.
        case hang
        /// Resets the connection.
        case reset
    }

    /// Decides about a request. `nil` answers it as ``honest(_:)`` does.
    typealias Script = @Sendable (Request) -> Action?

    /// What was bought under a reference.
    struct Sale: Sendable {
        let subscriber: String
        let amount: String
    }

    private struct State {
        var scripts: [Endpoint: Script] = [:]
        var requests: [Endpoint: [Request]] = [:]
        var sales: [String: [Sale]] = [:]
    }

    private let channel: any Channel
    private let state: SharedState
    let url: String

    private final class SharedState: Sendable {
        let value = Mutex(State())
    }

    private init(channel: any Channel, state: SharedState) {
        self.channel = channel
        self.state = state
        url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    /// Runs `body` with a new server and closes the server afterwards.
    static func run(_ body: (RawBOS) async throws -> Void) async throws {
        let bos = try await start()
        do {
            try await body(bos)
        } catch {
            try? await bos.channel.close()
            throw error
        }
        try await bos.channel.close()
    }

    private static func start() async throws -> RawBOS {
        let state = SharedState()
        let answer: RawHTTPHandler.Answer = { path, headers, body in
            guard let endpoint = path.split(separator: "/").last.flatMap({ Endpoint(rawValue: String($0)) }) else { return .reset }
            let (request, script) = state.value.withLock { state in
                let number = state.requests[endpoint, default: []].count + 1
                let request = Request(endpoint: endpoint, number: number, headers: headers, body: body, arrivedAt: .now)
                state.requests[endpoint, default: []].append(request)
                return (request, state.scripts[endpoint])
            }
            return script?(request) ?? honest(request, in: state)
        }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 512)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(RawHTTPHandler(answer: answer)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawBOS(channel: channel, state: state)
    }

    // MARK: Answering

    /// Sets the script for the requests of an endpoint from now on.
    func on(_ endpoint: Endpoint, perform script: @escaping Script) {
        state.value.withLock { $0.scripts[endpoint] = script }
    }

    /// Removes the script of an endpoint: it answers as a BOS without faults from now on.
    func mend(_ endpoint: Endpoint) {
        state.value.withLock { $0.scripts[endpoint] = nil }
    }

    /// Records the execution of a recharge. A script calls it when its answer stands for an execution.
    @discardableResult
    func execute(_ request: Request) -> Sale { Self.execute(request, in: state) }

    private static func execute(_ request: Request, in state: SharedState) -> Sale {
        let sale = Sale(subscriber: request.field("canumber"), amount: request.field("amount"))
        state.value.withLock { $0.sales[request.reference, default: []].append(sale) }
        return sale
    }

    /// What a BOS without faults does with a request.
    func honest(_ request: Request) -> Action { Self.honest(request, in: state) }

    private static func honest(_ request: Request, in state: SharedState) -> Action {
        let sold = state.value.withLock { $0.sales[request.reference]?.first }
        switch request.endpoint {
        case .recharge:
            if sold != nil { return .json(#"{"status":false,"response_code":11,"message":"Duplicate Transaction"}"#) }
            _ = execute(request, in: state)
            return .write(done)
        case .enquiry:
            guard let sold else { return notFound }
            return found(request.reference, subscriber: sold.subscriber, amount: sold.amount)
        case .panStatus: return pan("Application is under process at NSDL eGOV")
        case .authorise: return .write(token(request.number))
        }
    }

    // MARK: Records

    /// The requests of an endpoint in the order of arrival.
    /// - Parameter reference: only those with this reference; `nil` for all.
    func requests(_ endpoint: Endpoint, about reference: String? = nil) -> [Request] {
        let requests = state.value.withLock { $0.requests[endpoint] ?? [] }
        guard let reference else { return requests }
        return requests.filter { $0.reference == reference }
    }

    /// How often each reference was executed. A reference without an execution is missing.
    var executions: [String: Int] { state.value.withLock { $0.sales.mapValues(\.count) } }

    /// Waits until at least this many requests have come.
    /// - Returns: false when the time is up.
    func hasHeard(_ endpoint: Endpoint, atLeast count: Int = 1, about reference: String? = nil) async -> Bool {
        await eventually(within: .seconds(20)) { requests(endpoint, about: reference).count >= count }
    }
}

/// Holds answers until the test opens it.
final class Hold: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [@Sendable () -> Void])>((false, []))

    /// How many answers it holds.
    var count: Int { state.withLock { $0.waiting.count } }

    /// Writes the held answers. Later ones are written at once.
    func open() {
        let waiting = state.withLock { state in
            defer { state = (true, []) }
            return state.waiting
        }
        for write in waiting { write() }
    }

    /// Calls `write` once the hold is open.
    func wait(_ write: @escaping @Sendable () -> Void) {
        let isOpen = state.withLock { state in
            if !state.isOpen { state.waiting.append(write) }
            return state.isOpen
        }
        if isOpen { write() }
    }
}
