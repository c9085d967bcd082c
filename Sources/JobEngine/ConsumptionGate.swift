package import Logging
import Synchronization

/// Why no jobs are taken from the queues at the moment. The raw value is shown to people.
package enum PauseReason: String, Sendable, CaseIterable {
    /// BOS refuses our token or signature.
    case credentials
    /// The ledger cannot be written.
    case ledger
    /// BOS cannot be reached or takes nothing.
    case bos
}

/// Decides whether jobs are consumed. Closed by whoever finds that they cannot be worked on, opened again by a probe.
///
/// While it is closed jobs stay in their queues, where operators see them, and none of them fails.
package actor ConsumptionGate {
    /// Stops or resumes all consumers; returns once that is so.
    package typealias Switch = @Sendable (_ isOpen: Bool) async -> Void
    /// Whether the reason has passed; must not move money.
    package typealias Probe = @Sendable (PauseReason) async -> Bool

    private nonisolated let reasons = Mutex<[PauseReason: String]>([:])
    private let clock: any EngineClock
    private let logger: Logger
    private let closings: AsyncStream<Void>
    private let closed: AsyncStream<Void>.Continuation
    private var switchConsumers: Switch = { _ in }
    /// Probes since the gate was last open for long: pauses that follow each other closely grow longer.
    private var probes = 0
    private var openSince = Duration.zero

    package init(clock: any EngineClock, logger: Logger) {
        self.clock = clock
        self.logger = logger
        (closings, closed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Why consuming is paused, with a sentence for people; empty while it is not.
    package nonisolated var pauses: [PauseReason: String] { reasons.withLock { $0 } }

    package nonisolated var isOpen: Bool { reasons.withLock { $0.isEmpty } }

    package func setSwitch(_ switchConsumers: @escaping Switch) { self.switchConsumers = switchConsumers }

    /// Stops consuming for this reason; returns once no more deliveries are taken. The caller may then requeue its own.
    package func close(_ reason: PauseReason, _ detail: String) async {
        let isNew = reasons.withLock { $0.updateValue(detail, forKey: reason) == nil }
        if isNew { logger.error("consuming pauses", metadata: ["reason": "\(reason.rawValue)", "detail": "\(detail)"]) }
        await switchConsumers(false)
        // After the switch, and every time: whatever crossed an opening, a round follows that puts the consumers right.
        closed.yield()
    }

    /// Probes while the gate is closed, and opens it when every reason has passed. Ends when cancelled.
    package func run(probe: Probe) async {
        for await _ in closings {
            if clock.uptime() - openSince > .seconds(60) { probes = 0 }
            let wasClosed = !isOpen
            while !isOpen, !Task.isCancelled {
                await switchConsumers(false)
                // The breaker keeps its own time and is only asked whether it has come: a longer pause would be added to its own.
                let isBreakerAlone = pauses.keys.allSatisfy { $0 == .bos }
                await clock.sleep(for: Self.interval(isBreakerAlone ? 0 : probes, clock.jitter()))
                if !isBreakerAlone { probes += 1 }
                for reason in pauses.keys.sorted(by: { $0.rawValue < $1.rawValue }) where await probe(reason) {
                    reasons.withLock { _ = $0.removeValue(forKey: reason) }
                }
            }
            guard isOpen else { return }
            openSince = clock.uptime()
            if wasClosed { logger.notice("consuming goes on") }
            await switchConsumers(true)
        }
    }

    /// A quarter of a second at first, so that an operator who mends something sees it soon; then longer, up to ten seconds.
    private static func interval(_ probes: Int, _ jitter: Double) -> Duration {
        min(.seconds(10), .milliseconds(250) * Double(1 << min(probes, 10))) * (0.5 + jitter / 2)
    }
}
