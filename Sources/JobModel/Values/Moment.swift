/// A moment on two clocks: civil (wall-clock) time, which people and other machines share and which may jump, and steady (monotonic) time,
/// which never does.
package struct Moment: Sendable, Equatable {
    package var civil: Timestamp
    package var steady: SteadyTime

    package init(civil: Timestamp, steady: SteadyTime) {
        self.civil = civil
        self.steady = steady
    }

    /// A lower bound of the time that has passed, never negative. Moments of two boots, or of two machines, share no monotonic clock:
    /// between them the bound is zero.
    package func elapsed(since earlier: Moment) -> Duration {
        guard steady.boot == earlier.steady.boot else { return .zero }
        return max(.zero, .milliseconds(steady.milliseconds) - .milliseconds(earlier.steady.milliseconds))
    }

    /// The moment from which ``elapsed(since:)`` can count: this one, or `now` if this one is of another boot.
    package func counted(from now: Moment) -> Moment { steady.boot == now.steady.boot ? self : now }
}

/// Time since one start of one machine. No clock setting changes it, so that a corrected wall clock never shortens a wait that serves as
/// proof.
package struct SteadyTime: Sendable, Equatable {
    /// Identifies the start of the machine. Times of different starts cannot be compared.
    package var boot: String
    package var milliseconds: Int64

    package init(boot: String, milliseconds: Int64) {
        self.boot = boot
        self.milliseconds = milliseconds
    }
}
