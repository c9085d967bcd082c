package import JobModel
private import Synchronization

/// The state of a lane at one moment, for the status page.
package struct LaneStatus: Sendable, Equatable {
    /// How many jobs hold a slot, and how many may.
    package var running: Int
    package var limit: Int
    /// How many deliveries wait for a slot.
    package var waiting: Int
    package var breaker: CircuitBreaker.State
    /// When an open breaker is probed next.
    package var probeAt: Timestamp?
    /// Until when BOS has asked not to be called; `nil` if it has not.
    package var throttledUntil: Timestamp?
    /// When the first call failed that no answered call has followed; `nil` after an answered call.
    package var unansweredSince: Timestamp?
    package var pauses: [PauseReason: ConsumptionGate.Pause]

    package init(
        running: Int, limit: Int, waiting: Int, breaker: CircuitBreaker.State, probeAt: Timestamp? = nil, throttledUntil: Timestamp? = nil,
        unansweredSince: Timestamp? = nil, pauses: [PauseReason: ConsumptionGate.Pause] = [:]
    ) {
        self.running = running
        self.limit = limit
        self.waiting = waiting
        self.breaker = breaker
        self.probeAt = probeAt
        self.throttledUntil = throttledUntil
        self.unansweredSince = unansweredSince
        self.pauses = pauses
    }
}

extension Lane {
    /// The state of the lane now.
    package var status: LaneStatus {
        let (now, uptime, pauses) = (clock.now(), clock.uptime(), gate.standing)
        func wallClock(_ moment: Duration) -> Timestamp { now + (moment - uptime) }
        return state.withLock { state in
            LaneStatus(
                running: state.slots.held, limit: state.slots.size, waiting: state.slots.waiting, breaker: state.breaker.state,
                probeAt: state.breaker.state == .open ? wallClock(state.breaker.probeFrom) : nil,
                throttledUntil: state.throttledUntil.flatMap { $0 > uptime ? wallClock($0) : nil },
                unansweredSince: state.unansweredSince.map(wallClock), pauses: pauses)
        }
    }
}
