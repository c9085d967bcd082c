import Synchronization

/// The names of the runs that are under way in this process. A job whose run is not among them has no owner, and may be claimed.
package final class ActiveRuns: Sendable {
    private struct State {
        var names: Set<String> = []
        var count = 0
    }

    private let process: String
    private let state = Mutex(State())
    private let ends = WakeSignal()

    /// - Parameter process: the name of this process. It must differ after each start.
    package init(process: String) { self.process = process }

    /// Begins a run.
    /// - Returns: its name, which no run had before.
    func begin() -> String {
        state.withLock { state in
            state.count += 1
            let name = "\(process)#\(state.count)"
            state.names.insert(name)
            return name
        }
    }

    func end(_ name: String) {
        state.withLock { _ = $0.names.remove(name) }
        ends.pulse()
    }

    /// Returns when the run of that name has ended, or the task is cancelled.
    func waitForEnd(of name: String) async {
        while isLive(name), !Task.isCancelled { await ends.wait { !self.isLive(name) } }
    }

    func isLive(_ name: String) -> Bool { state.withLock { $0.names.contains(name) } }
}
