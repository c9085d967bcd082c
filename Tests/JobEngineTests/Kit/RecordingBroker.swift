import AMQP
import JobEngine
import Synchronization

/// The publishing side of a broker. It keeps the messages that it confirms, and a test can make it fail.
final class RecordingBroker: MessagePublisher {
    struct PublishedMessage: Sendable, Equatable {
        var message: Message
        var exchange: String
        var routingKey: String
        var isMandatory: Bool
    }

    private struct State {
        var publications: [PublishedMessage] = []
        var failures: [PublishError] = []
        var goneCallers: Set<String> = []
        var failing: [String: PublishError] = [:]
        var onPublish: @Sendable (PublishedMessage) async -> Void = { _ in }
    }

    private let state = Mutex(State())

    var publications: [PublishedMessage] { state.withLock { $0.publications } }

    /// The next publishes fail with these errors. Later ones are confirmed.
    func fail(_ failures: [PublishError]) { state.withLock { $0.failures = failures } }

    /// All publishes to these exchanges fail with this error from now on, until `nil` is set. `?` stands for the query whether a caller
    /// listens.
    func fail(_ error: PublishError?, at exchanges: String...) {
        state.withLock { state in for exchange in exchanges { state.failing[exchange] = error } }
    }

    var hasFailuresLeft: Bool { state.withLock { !$0.failures.isEmpty } }

    func onPublish(_ action: @escaping @Sendable (PublishedMessage) async -> Void) { state.withLock { $0.onPublish = action } }

    func publish(
        _ message: Message, exchange: String, routingKey: String, mandatory: Bool, timeout: Duration?
    ) async throws(PublishError) {
        let publication = PublishedMessage(message: message, exchange: exchange, routingKey: routingKey, isMandatory: mandatory)
        let (failure, action) = state.withLock { state in
            (state.failing[exchange] ?? (state.failures.isEmpty ? nil : state.failures.removeFirst()), state.onPublish)
        }
        if let failure { throw failure }
        await action(publication)
        state.withLock { $0.publications.append(publication) }
    }

    /// The broker says that these callers do not listen any more.
    func callersGo(_ names: String...) { state.withLock { $0.goneCallers = Set(names) } }

    func hasListener(directReplyTo name: String) async throws(PublishError) -> Bool {
        let (failure, isThere) = state.withLock { ($0.failing["?"], !$0.goneCallers.contains(name)) }
        if let failure { throw failure }
        return isThere
    }

    func whenConnected() async throws(CancellationError) {}
}
