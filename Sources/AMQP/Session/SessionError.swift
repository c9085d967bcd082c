/// Why a session could not be established, why it ended, or why it did not answer a request.
package enum SessionError: Error, Equatable, CustomStringConvertible {
    case unreachable(url: String, reason: String)
    case tlsFailed(url: String, reason: String)
    case loginRefused(url: String, text: String)
    case virtualHostRefused(url: String, text: String)
    /// Old or strict brokers close the connection instead of refusing a wrong login.
    case closedDuringLogin(url: String)
    /// The object exists with other properties or arguments (406).
    case topologyMismatch(object: String, text: String)
    /// The object does not exist (404), in `TopologyMode.check`.
    case topologyMissing(object: String)
    case topologyRefused(object: String, code: UInt16, text: String)
    /// The exclusive queue belongs to another connection (405).
    case locked(name: String)
    /// The marker queue holds another text (406).
    case markedOtherwise(queue: String, text: String)
    /// Jobs are consumed from another cluster or virtual host, see ``ClusterAffinity``.
    case otherCluster(url: String, home: String, consuming: String)
    /// The marker queue, which another program declares, does not exist (404), so the owner of the virtual host is unknown.
    case markerMissing(queue: String)
    case heartbeatLost
    case connectionLost(reason: String)
    case closedByBroker(code: UInt16, text: String)
    case protocolViolation(String)
    case timedOut(operation: String)
    case noSuchQueue(name: String)
    /// The request could not be sent: there is no session, or it is being closed.
    case noSession(reason: String)

    /// AMQP's reply code when an operator closes the connection or the broker stops.
    static let forced: UInt16 = 320
    /// From this reply code on, AMQP's codes are errors that end a connection, such as 541 for an internal error of the broker.
    static let firstOfErrors: UInt16 = 500

    package var description: String {
        switch self {
        case .unreachable(let url, let reason):
            "no connection to \(url): \(reason); check that the broker runs there and that the port is open"
        case .tlsFailed(let url, let reason):
            "no TLS connection to \(url): \(reason); check amqp.tls (CA file, host name in the URL, client certificate)"
        case .loginRefused(let url, let text):
            "the broker refused the login at \(url): \(text); check user and password"
        case .virtualHostRefused(let url, let text):
            "the broker refused the virtual host of \(url): \(text); check that it exists, that the user has permissions in it, and the limits on connections"
        case .closedDuringLogin(let url):
            "the peer at \(url) closed the connection during the login; user, password or virtual host may be wrong, or the peer may not be an AMQP broker"
        case .topologyMismatch(let object, let text):
            "the \(object) exists with other properties: \(text); move its messages away and declare it as configured, or configure it as it exists"
        case .topologyMissing(let object):
            "the \(object) does not exist; declare it, or let amqp.declareTopology do so"
        case .topologyRefused(let object, let code, let text):
            "the broker refused the \(object): \(code) \(text); check the user's permissions, and the limits of the virtual host"
        case .locked(let name):
            "the exclusive queue \(name) is held by another connection; another instance is running, or the broker has not given up its connection yet"
        case .markedOtherwise(let queue, let text):
            "the virtual host belongs to another ledger, as its marker queue \(queue) says: \(text); before you delete anything, read /usr/share/doc/bos-worker/operating.md#a-lost-ledger"
        case .otherCluster(let url, let home, let consuming):
            "\(url) is the \(home), but jobs are consumed from the \(consuming), so replies published there would reach no caller; amqp.urls must name nodes of one cluster and one virtual host"
        case .markerMissing(let queue):
            "the marker queue \(queue) does not exist, so it is unknown which ledger the virtual host belongs to; bos-worker declares the queue when it starts"
        case .heartbeatLost:
            "the broker was silent for two heartbeats; the network or the broker is stuck"
        case .connectionLost(let reason):
            "the connection was lost: \(reason)"
        case .closedByBroker(let code, let text):
            "the broker closed the connection: \(code) \(text)"
        case .protocolViolation(let detail):
            "the peer broke the AMQP protocol: \(detail); is it RabbitMQ?"
        case .timedOut(let operation):
            "the broker did not answer in time: \(operation)"
        case .noSuchQueue(let name):
            "the queue \(name) does not exist"
        case .noSession(let reason):
            "there is no session with the broker: \(reason)"
        }
    }
}
