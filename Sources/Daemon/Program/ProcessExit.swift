/// What the process tells its supervisor when it ends. Source: operating.md#exit-codes; the numbers are those of `sysexits.h`.
package enum ProcessExit: Int32, Sendable {
    /// Asked to stop, and everything in flight was finished.
    case drained = 0
    /// The command line holds an option that does not exist, or is no command line at all.
    case usage = 64
    /// A fault in the program itself; nothing that configuration could mend.
    case internalFault = 70
    /// Asked to stop, but what was in flight did not finish in time. It is repeated after the next start.
    case notDrained = 75
    /// The configuration is wrong; the message names the key, where its value came from and what would be right.
    case configuration = 78
}
