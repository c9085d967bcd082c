internal import AsyncHTTPClient
private import CryptoExtras
private import ExactJSON
private import Foundation
private import NIOCore
import Secrets

/// The authorise call: one request, which yields a token or a sentence that says why there is none.
struct AuthoriseRequest: Sendable {
    /// A token and its remaining life in seconds.
    struct Grant: Sendable {
        var token: Secret
        var lifetime: Double
    }

    /// Why there is no token, in a sentence without secrets.
    struct Failure: Error {
        var problem: String
    }

    let configuration: BOSConfiguration.Authorise
    private let clock: BOSClock
    private let template: HTTPClient.Request
    /// The public key as PEM text, which `init` has checked. The key object itself is not `Sendable`.
    private let publicKeyPEM: String?

    init(_ configuration: BOSConfiguration.Authorise, userAgent: String, clock: BOSClock) throws(BOSConfigurationError) {
        self.configuration = configuration
        self.clock = clock
        template = try HTTPTransport.template(url: configuration.url, userAgent: userAgent)
        publicKeyPEM = try configuration.publicKeyFile.map(Self.publicKeyPEM)
    }

    private static func publicKeyPEM(file: String) throws(BOSConfigurationError) -> String {
        guard let contents = FileManager.default.contents(atPath: file) else {
            throw .publicKey(file: file, reason: "it is missing or not readable")
        }
        let pem = String(decoding: contents, as: UTF8.self)
        guard (try? _RSA.Encryption.PublicKey(pemRepresentation: pem)) != nil else {
            throw .publicKey(file: file, reason: "it holds no RSA public key of at least 2048 bits")
        }
        return pem
    }

    func send(over transport: HTTPTransport) async throws(Failure) -> Grant {
        var headers = [
            (configuration.clientIDHeader, configuration.clientID), (configuration.clientSecretHeader, configuration.clientSecret.revealed),
        ]
        if let publicKeyPEM { headers.append((configuration.signatureHeader, try signature(publicKeyPEM))) }
        let deadline = NIODeadline.now() + TimeAmount(configuration.timeout)
        switch await transport.send(template, headers: headers, body: Array("{}".utf8), deadline: deadline) {
        case .notSent(_, let detail), .unknown(_, let detail):
            throw Failure(problem: "the authorise call got no answer: \(detail)")
        case .answer(let answer):
            return try grant(answer)
        }
    }

    /// base64(RSA-OAEP-SHA1(public key, "<client id>.<unix seconds>")), as the payout API expects it.
    private func signature(_ pem: String) throws(Failure) -> String {
        do {
            let text = "\(configuration.clientID).\(Int64(clock.now()))"
            let key = try _RSA.Encryption.PublicKey(pemRepresentation: pem)
            return try key.encrypt(Data(text.utf8), padding: .PKCS1_OAEP).base64EncodedString()
        } catch {
            throw Failure(problem: "the authorise call could not be signed; the client id may be too long for the public key")
        }
    }

    private func grant(_ answer: HTTPAnswer) throws(Failure) -> Grant {
        if let encoding = answer.encoding {
            throw Failure(
                problem: "the authorise call's answer is encoded (Content-Encoding: \(encoding)), but the worker asks for none; switch"
                    + " compression off in the API or in the proxy in front of it")
        }
        let json = (try? JSONValue.parse(answer: answer.body)) ?? .null
        guard (200...299).contains(answer.status), let text = json.member(at: configuration.tokenPath)?.text else {
            let code = json["subCode"]?.text.flatMap { Int($0) }.map { ", subCode \($0)" } ?? ""
            throw Failure(
                problem: "the authorise call was answered with HTTP \(answer.status)\(code) and no token at \(configuration.tokenPath);"
                    + " check client id, client secret, public key and the caller's IP address")
        }
        let token = Secret(text)
        guard token.isToken else { throw Failure(problem: "the authorise call's token cannot stand in an HTTP header") }
        // An expiry in the past, or more than a day ahead, shows that a clock is wrong.
        let remaining = (json.member(at: configuration.expiryPath)?.text).flatMap { Double($0) }.map { $0 - clock.now() }
        let usual = configuration.lifetime / .seconds(1)
        return Grant(token: token, lifetime: remaining.flatMap { (1...86_400).contains($0) ? $0 : nil } ?? usual)
    }
}

extension JSONValue {
    /// The value at a path of member names with dots between them. An object on the path may be a string that holds JSON.
    fileprivate func member(at path: String) -> JSONValue? {
        path.split(separator: ".").reduce(Optional(self)) { value, name in (value?.objectInString ?? value)?[String(name)] }
    }
}
