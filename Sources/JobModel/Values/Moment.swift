/// A moment on two clocks: civil time, which people and other machines share and which may jump, and steady time, which does not.
package struct Moment: Sendable, Equatable {
    package var civil: Timestamp
    package var steady: SteadyTime

    package init(civil: Timestamp, steady: SteadyTime) {
        self.civil = civil
        self.steady = steady
    }

    /// How much time has passed for certain, never less than none. Moments of two boots, or of two machines, have no clock in common that
    /// nothing sets: between them nothing has passed for certain.
    package func elapsed(since earlier: Moment) -> Duration {
        guard steady.boot == earlier.steady.boot else { return .zero }
        return max(.zero, .milliseconds(steady.milliseconds) - .milliseconds(earlier.steady.milliseconds))
    }

    /// From when on time is counted that began with this moment: from now, if it is of another boot.
    package func counted(from now: Moment) -> Moment { steady.boot == now.steady.boot ? self : now }
}

/// Time since one start of one machine. Nothing sets it, so that a clock that is put right shortens no wait that proves something.
package struct SteadyTime: Sendable, Equatable {
    /// Names the machine's start; moments of different starts cannot be compared.
    package var boot: String
    package var milliseconds: Int64

    package init(boot: String, milliseconds: Int64) {
        self.boot = boot
        self.milliseconds = milliseconds
    }
}
