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
        if isNew {
            logger.error("consuming pauses", metadata: ["reason": "\(reason.rawValue)", "detail": "\(detail)"])
            closed.yield()
        }
        await switchConsumers(false)
    }

    /// Probes while the gate is closed, and opens it when every reason has passed. Ends when cancelled.
    package func run(probe: Probe) async {
        for await _ in closings {
            var failures = 0
            while !isOpen, !Task.isCancelled {
                // Again, in case the closing crossed an opening.
                await switchConsumers(false)
                for reason in PauseReason.allCases where pauses[reason] != nil {
                    if await probe(reason) { reasons.withLock { _ = $0.removeValue(forKey: reason) } }
                }
                if isOpen {
                    logger.notice("consuming goes on")
                    await switchConsumers(true)
                } else {
                    failures += 1
                    await clock.sleep(for: Self.interval(failures, clock.jitter()))
                }
            }
        }
    }

    /// A quarter of a second at first, then longer up to ten seconds: an operator who mends something sees it soon.
    private static func interval(_ failures: Int, _ jitter: Double) -> Duration {
        min(.seconds(10), .milliseconds(250) * Double(1 << min(failures, 10))) * (0.5 + jitter / 2)
    }
}
