import NIOCore
import NIOPosix
import NIOSSL

/// Reads the certificate that a server shows, without checking it: the real connections check it.
enum CertificateProbe {
    /// - Returns: when the certificate expires, in seconds since 1970.
    /// - Throws: ``WebFailure`` if there is no TLS connection.
    static func expiry(host: String, port: Int, within limit: TimeAmount = .seconds(5)) async throws(WebFailure) -> Int {
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .noHostnameVerification
            let context = try NIOSSLContext(configuration: configuration)
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let expiry = loop.makePromise(of: Int.self)
            let timer = loop.scheduleTask(in: limit) { expiry.fail(WebFailure(description: "no TLS handshake in time")) }
            defer { timer.cancel() }
            let channel = ClientBootstrap(group: loop).connectTimeout(limit).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // A server name must not be an address.
                    let name = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." } ? nil : host
                    let handler = try NIOSSLClientHandler(context: context, serverHostname: name) {
                        (certificates: [NIOSSLCertificate], verified: EventLoopPromise<NIOSSLVerificationResult>) in
                        if let certificate = certificates.first {
                            expiry.succeed(Int(certificate.notValidAfter))
                        } else {
                            expiry.fail(WebFailure(description: "the server shows no certificate"))
                        }
                        verified.succeed(.failed)
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }.connect(host: host, port: port)
            channel.whenFailure { expiry.fail(WebFailure(description: "no connection: \($0)")) }
            let seconds = try await expiry.futureResult.get()
            channel.whenSuccess { $0.close(promise: nil) }
            return seconds
        } catch let failure as WebFailure {
            throw failure
        } catch {
            throw WebFailure(description: String("\(error)".prefix(200)))
        }
    }
}
