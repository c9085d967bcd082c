/// One moment on two clocks: the wall clock, which people and other machines share and which may jump, and the monotonic clock, which never
/// jumps.
package struct ClockReading: Sendable, Equatable {
    package var wallClock: Timestamp
    package var monotonic: BootTime

    package init(wallClock: Timestamp, monotonic: BootTime) {
        self.wallClock = wallClock
        self.monotonic = monotonic
    }

    /// A lower bound of the time that has passed, never negative. Moments of two boots, or of two machines, share no monotonic clock:
    /// between them the bound is zero.
    package func elapsed(since earlier: ClockReading) -> Duration {
        guard monotonic.boot == earlier.monotonic.boot else { return .zero }
        return max(.zero, .milliseconds(monotonic.milliseconds) - .milliseconds(earlier.monotonic.milliseconds))
    }

    /// The moment from which ``elapsed(since:)`` can count: this one, or `now` if this one is of another boot.
    package func counted(from now: ClockReading) -> ClockReading { monotonic.boot == now.monotonic.boot ? self : now }
}

/// Time since one start of one machine. No clock setting changes it, so that a corrected wall clock never shortens a wait that serves as
/// proof.
package struct BootTime: Sendable, Equatable {
    /// Identifies the start of the machine. Times of different starts cannot be compared.
    package var boot: String
    package var milliseconds: Int64

    package init(boot: String, milliseconds: Int64) {
        self.boot = boot
        self.milliseconds = milliseconds
    }
}
