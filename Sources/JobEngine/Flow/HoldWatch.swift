package import JobModel
package import Ledger
import Synchronization

/// Reads from the ledger which lanes operators hold, and closes or opens the gates of the lanes accordingly.
///
/// A worker that has not read the holds since its start takes no job: an operator may hold a lane, and nothing but the ledger knows it. If the
/// ledger cannot be read later, the last reading stands.
package final class HoldWatch: Sendable {
    private let ledger: any HoldLedger
    private let lanes: Lanes
    private let clock: any EngineClock
    private let interval: Duration
    /// The last reading; `nil` if there is none.
    private let last = Mutex<[JobLane: LaneHold]?>(nil)

    /// - Parameter interval: from one reading to the next.
    package init(ledger: any HoldLedger, lanes: Lanes, clock: any EngineClock, interval: Duration = .seconds(1)) {
        self.ledger = ledger
        self.lanes = lanes
        self.clock = clock
        self.interval = interval
    }

    /// The lanes that operators hold, as last read.
    package var holds: [JobLane: LaneHold] { last.withLock { $0 ?? [:] } }

    /// Reads the holds once. Must be called before the first job is taken.
    package func read() async {
        do throws(LedgerError) {
            let holds = try await ledger.holds()
            last.withLock { $0 = holds }
            for lane in lanes.all {
                if let hold = holds[lane.name] { await lane.gate.hold("\(hold)", since: hold.since) } else { lane.gate.endHold() }
            }
        } catch {
            guard last.withLock({ $0 == nil }) else { return }
            let detail = "the ledger has not said since the start whether an operator holds it: \(error)"
            for lane in lanes.all { await lane.gate.hold(detail, since: nil) }
        }
    }

    /// Reads the holds again and again. Ends when the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            await clock.sleep(for: interval)
            await read()
        }
    }
}
