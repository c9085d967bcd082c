import AMQP
import JobEngine
import Synchronization

/// A broker's publishing side that keeps what it confirms, and can be told to fail.
final class RecordingBroker: MessagePublisher {
    struct Publication: Sendable, Equatable {
        var message: Message
        var exchange: String
        var routingKey: String
        var isMandatory: Bool
    }

    private struct State {
        var publications: [Publication] = []
        var failures: [PublishError] = []
        var goneCallers: Set<String> = []
        var failing: [String: PublishError] = [:]
        var onPublish: @Sendable (Publication) async -> Void = { _ in }
    }

    private let state = Mutex(State())

    var publications: [Publication] { state.withLock { $0.publications } }

    /// The next publishes end like this; later ones are confirmed.
    func fail(_ failures: [PublishError]) { state.withLock { $0.failures = failures } }

    /// All publishes to these exchanges end like this from now on; `nil` ends it. `?` stands for the question whether a caller is there.
    func fail(_ error: PublishError?, at exchanges: String...) {
        state.withLock { state in for exchange in exchanges { state.failing[exchange] = error } }
    }

    var hasFailuresLeft: Bool { state.withLock { !$0.failures.isEmpty } }

    func onPublish(_ action: @escaping @Sendable (Publication) async -> Void) { state.withLock { $0.onPublish = action } }

    func publish(
        _ message: Message, exchange: String, routingKey: String, mandatory: Bool, timeout: Duration?
    ) async throws(PublishError) {
        let publication = Publication(message: message, exchange: exchange, routingKey: routingKey, isMandatory: mandatory)
        let (failure, action) = state.withLock { state in
            (state.failing[exchange] ?? (state.failures.isEmpty ? nil : state.failures.removeFirst()), state.onPublish)
        }
        if let failure { throw failure }
        await action(publication)
        state.withLock { $0.publications.append(publication) }
    }

    /// Of these callers the broker says that they are gone.
    func callersGo(_ names: String...) { state.withLock { $0.goneCallers = Set(names) } }

    func hasListener(directReplyTo name: String) async throws(PublishError) -> Bool {
        let (failure, isThere) = state.withLock { ($0.failing["?"], !$0.goneCallers.contains(name)) }
        if let failure { throw failure }
        return isThere
    }

    func whenConnected() async throws(CancellationError) {}
}
