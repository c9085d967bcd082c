/// A moment on two clocks: civil time, which people and other machines share and which may jump, and steady time, which does not.
package struct Moment: Sendable, Equatable {
    package var civil: Timestamp
    package var steady: SteadyTime

    package init(civil: Timestamp, steady: SteadyTime) {
        self.civil = civil
        self.steady = steady
    }

    /// How much time has passed for certain, never less than none: by the steady clock where both moments are of one boot. Else by civil
    /// time, but no more than since this boot: a machine that starts with its clock ahead proves nothing by it.
    package func elapsed(since earlier: Moment) -> Duration {
        let sinceBoot = Duration.milliseconds(steady.milliseconds)
        let passed =
            steady.boot == earlier.steady.boot
            ? sinceBoot - .milliseconds(earlier.steady.milliseconds) : min(civil - earlier.civil, sinceBoot)
        return max(.zero, passed)
    }
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
