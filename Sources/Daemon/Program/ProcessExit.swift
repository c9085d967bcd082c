/// The exit codes of the daemons. Source: operating.md#exit-codes; the numbers are those of `sysexits.h`.
package enum ProcessExit: Int32, Sendable {
    /// The process was asked to stop and finished everything in flight.
    case drained = 0
    /// The command line is wrong, for example it has an option that does not exist.
    case usage = 64
    /// The program itself has a fault. No configuration could mend it.
    case internalFault = 70
    /// The process was asked to stop, and the work in flight did not finish in time. The next start takes it up again.
    case notDrained = 75
    /// The configuration is wrong. The message names the key, where its value came from, and what would be right.
    case configuration = 78
}
