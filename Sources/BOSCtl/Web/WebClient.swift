import AsyncHTTPClient
import ExactJSON
import NIOCore
import NIOHTTP1
import NIOSSL
import Secrets

/// An answer over HTTP.
struct WebAnswer: Sendable {
    let status: Int
    /// The header `Date`, as it was sent.
    let date: String?
    let body: [UInt8]

    /// The body as JSON; `nil` if it is not JSON.
    var json: JSONValue? { try? JSONValue.parse(body) }
}

/// Why there is no usable answer. Its description is a clause for the operator.
struct WebFailure: Error, CustomStringConvertible {
    let description: String
}

/// Requests that change nothing: to the pages of worker and poller, to the broker's management API, and to BOS's host.
struct WebClient {
    private let client: HTTPClient
    private let timeout: TimeAmount

    /// - Parameter caFile: the certificate authorities of the servers, in place of those of this machine.
    /// - Parameter timeout: for one request as a whole.
    static func with<Value>(
        caFile: String? = nil, timeout: TimeAmount = .seconds(5), _ body: (WebClient) async throws -> Value
    ) async throws -> Value {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        if let caFile {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(caFile)
            configuration.tlsConfiguration = tls
        }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let value = try await body(WebClient(client: client, timeout: timeout))
            try? await client.shutdown()
            return value
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// - Parameter login: for HTTP's basic authentication.
    func get(_ url: String, login: (user: String, password: Secret)? = nil) async throws(WebFailure) -> WebAnswer {
        try await send(.GET, to: url, login: login)
    }

    /// Asks for the headers alone.
    func head(_ url: String) async throws(WebFailure) -> WebAnswer { try await send(.HEAD, to: url, login: nil) }

    private func send(_ method: HTTPMethod, to url: String, login: (user: String, password: Secret)?) async throws(WebFailure) -> WebAnswer
    {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "User-Agent", value: "bosctl")
        if let login { request.setBasicAuth(username: login.user, password: login.password.revealed) }
        do {
            let answer = try await client.execute(request, timeout: timeout)
            let body = method == .HEAD ? ByteBuffer() : try await answer.body.collect(upTo: 8 << 20)
            return WebAnswer(status: Int(answer.status.code), date: answer.headers.first(name: "Date"), body: Array(body.readableBytesView))
        } catch {
            throw WebFailure(description: Self.clause(error))
        }
    }

    private static func clause(_ error: any Error) -> String {
        switch error as? HTTPClientError {
        case .connectTimeout?, .deadlineExceeded?, .readTimeout?: "no answer in time"
        case let other?: other.shortDescription
        case nil: String("\(error)".prefix(200))
        }
    }
}

extension String {
    /// The text as one segment of a URL's path. Queues and virtual hosts may have any name.
    var pathSegment: String {
        utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain =
                scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-._~".unicodeScalars.contains(scalar))
            return isPlain
                ? String(scalar) : "%" + String(byte >> 4, radix: 16, uppercase: true) + String(byte & 15, radix: 16, uppercase: true)
        }.joined()
    }
}
