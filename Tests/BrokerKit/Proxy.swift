import Foundation
import Synchronization

/// A TCP peer between a connection and the broker that can misbehave. Without a broker behind it, it sends only what the test tells it.
package final class Proxy: Sendable {
    private struct State {
        var client: Int32 = -1
        var descriptors: [Int32] = []
        var isSilent = false
        /// Once the client has sent these bytes, it gets no more answers.
        var last: [UInt8]?
        var isUnanswered = false
    }

    package let port: Int
    private let state = Mutex(State())
    private let listener: Int32

    /// - Parameters:
    ///   - upstream: the broker's port; `nil` for none.
    ///   - greeting: sent to each client as it connects.
    package init(upstream: Int? = nil, greeting: [UInt8] = []) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound, listen(listener, 16) == 0 else { throw POSIXError(.EADDRINUSE) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            while case let client = accept(listener, nil, nil), client >= 0 { serve(client, upstream: upstream, greeting: greeting) }
        }
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return address
    }

    private func serve(_ client: Int32, upstream: Int?, greeting: [UInt8]) {
        state.withLock { state in
            state.client = client
            state.descriptors.append(client)
        }
        if !greeting.isEmpty { _ = send(client, greeting, greeting.count, Int32(MSG_NOSIGNAL)) }
        guard let upstream else { return }
        let broker = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: upstream)
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(broker, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        state.withLock { $0.descriptors.append(broker) }
        guard isConnected else { return cut() }
        Thread.detachNewThread { [self] in copy(from: client, to: broker, isClient: true) }
        Thread.detachNewThread { [self] in copy(from: broker, to: client, isClient: false) }
    }

    private func copy(from source: Int32, to target: Int32, isClient: Bool) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(source, &buffer, buffer.count, 0), count > 0 {
            if isClient { note(buffer[..<count]) }
            if state.withLock({ $0.isSilent || ($0.isUnanswered && !isClient) }) { continue }
            var sent = 0
            while sent < count {
                let written = buffer[sent..<count].withUnsafeBytes { send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard written > 0 else { return }
                sent += written
            }
        }
        // A silent line does not show that the other side has hung up.
        if !state.withLock({ $0.isSilent }) { shutdown(target, Int32(SHUT_RDWR)) }
    }

    /// Discards from now on everything that comes in on either side.
    package func fallSilent() { state.withLock { $0.isSilent = true } }

    /// Discards all that the broker sends, as soon as the client has sent these bytes in one piece. What the client sends still arrives.
    package func hideAnswers(after bytes: [UInt8]) { state.withLock { $0.last = bytes } }

    private func note(_ bytes: ArraySlice<UInt8>) {
        state.withLock { state in
            if let last = state.last, bytes.firstRange(of: last) != nil { state.isUnanswered = true }
        }
    }

    /// Sends bytes to the client that did not come from the broker.
    package func inject(_ bytes: [UInt8]) {
        let client = state.withLock { $0.client }
        _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Breaks the existing connections. New ones are served again.
    package func cut() {
        state.withLock { state in
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
            state.isSilent = false
        }
    }

    /// Cuts the connections without closing them: the next owner of a closed descriptor's number would meet a thread that still uses it.
    package func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        cut()
        close(listener)
    }
}
