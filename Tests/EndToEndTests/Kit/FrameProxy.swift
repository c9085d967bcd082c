import Foundation
import Synchronization

/// A TCP peer between a program and the broker that stops the line at a chosen AMQP method. Everything before that method has passed, and nothing
/// after it passes. So a test can end a program between two steps.
final class FrameProxy: Sendable {
    /// A method frame that stops the line: class and method number of AMQP 0-9-1, and the side that sends it.
    struct Stop: Sendable, CustomStringConvertible {
        enum Side: Sendable {
            case program
            case broker
        }

        let side: Side
        let name: String
        let method: (UInt16, UInt16)
        /// Whether the method itself still passes. Then it is one without a message.
        var passes = false

        var description: String { "\(name) of the \(side), \(passes ? "passed" : "held back")" }
    }

    private struct State {
        var isStopped = false
        var descriptors: [Int32] = []
    }

    let port: Int
    private let stop: Stop
    private let state = Mutex(State())
    private let listener: Int32

    /// - Parameter broker: the broker's port.
    init(to broker: Int, stop: Stop) throws {
        self.stop = stop
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
            while case let client = accept(listener, nil, nil), client >= 0 { serve(client, broker: broker) }
        }
    }

    /// Whether the method has come.
    var hasStopped: Bool { state.withLock { $0.isStopped } }

    /// Ends all connections.
    func close() {
        shutdown(listener, Int32(SHUT_RDWR))
        for descriptor in state.withLock({ $0.descriptors }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return address
    }

    private func serve(_ client: Int32, broker: Int) {
        let target = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: broker)
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(target, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        state.withLock { $0.descriptors += [client, target] }
        guard isConnected else { return close() }
        Thread.detachNewThread { [self] in copy(from: client, to: target, side: .program, skipping: 8) }
        Thread.detachNewThread { [self] in copy(from: target, to: client, side: .broker, skipping: 0) }
    }

    /// - Parameter header: the length of the protocol header, which comes before the first frame.
    private func copy(from source: Int32, to target: Int32, side: Stop.Side, skipping header: Int) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var frames: [UInt8] = []
        var skipped = 0
        while case let count = recv(source, &buffer, buffer.count, 0), count > 0 {
            // A stopped line takes everything and passes nothing.
            if hasStopped { continue }
            var piece = Array(buffer[..<count])
            if skipped < header {
                let part = min(header - skipped, piece.count)
                guard write(Array(piece[..<part]), to: target) else { return }
                skipped += part
                piece.removeFirst(part)
            }
            frames += piece
            guard passFrames(&frames, to: target, side: side) else { return }
        }
        // The broker has to see at once that the program is gone.
        shutdown(target, Int32(SHUT_RDWR))
    }

    /// Passes the whole frames, up to the method that stops the line.
    private func passFrames(_ frames: inout [UInt8], to target: Int32, side: Stop.Side) -> Bool {
        var end = 0
        while frames.count - end >= 8 {
            let size = frames[(end + 3)..<(end + 7)].reduce(0) { $0 << 8 | Int($1) }
            guard frames.count - end >= size + 8 else { break }
            let isStop = side == stop.side && isMethod(frames[end..<(end + size + 8)])
            if isStop, !stop.passes {
                let isWritten = write(Array(frames[..<end]), to: target)
                state.withLock { $0.isStopped = true }
                return isWritten
            }
            end += size + 8
            if isStop {
                let isWritten = write(Array(frames[..<end]), to: target)
                state.withLock { $0.isStopped = true }
                return isWritten
            }
        }
        let isWritten = write(Array(frames[..<end]), to: target)
        frames.removeFirst(end)
        return isWritten
    }

    /// Whether the frame is the method that stops the line.
    private func isMethod(_ frame: ArraySlice<UInt8>) -> Bool {
        let bytes = Array(frame.prefix(11))
        guard bytes.count == 11, bytes[0] == 1 else { return false }
        let method = (UInt16(bytes[7]) << 8 | UInt16(bytes[8]), UInt16(bytes[9]) << 8 | UInt16(bytes[10]))
        return method == stop.method
    }

    private func write(_ bytes: [UInt8], to target: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}
