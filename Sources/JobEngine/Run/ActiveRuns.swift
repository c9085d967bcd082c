import Synchronization

/// The runs of jobs that go on in this process, by name. A job whose run is not among them is nobody's and may be taken over.
package final class ActiveRuns: Sendable {
    private struct State {
        var names: Set<String> = []
        var count = 0
    }

    private let process: String
    private let state = Mutex(State())
    private let ends = WakeSignal()

    /// - Parameter process: names this process, different after every start.
    package init(process: String) { self.process = process }

    /// Begins a run under a name never used before.
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

    /// Returns when the run of that name is over, or the task is cancelled.
    func waitForEnd(of name: String) async {
        while isLive(name), !Task.isCancelled { await ends.wait { !self.isLive(name) } }
    }

    func isLive(_ name: String) -> Bool { state.withLock { $0.names.contains(name) } }
}
