import Synchronization

/// The runs of jobs that go on in this process, by name. A job whose run is not among them is nobody's and may be taken over.
package final class LiveRuns: Sendable {
    private struct State {
        /// Who waits for the end of each run that goes on.
        var waiters: [String: [Int: CheckedContinuation<Void, Never>]] = [:]
        var count = 0
    }

    private let process: String
    private let state = Mutex(State())

    /// - Parameter process: names this process, different after every start.
    package init(process: String) { self.process = process }

    /// Begins a run under a name never used before.
    func begin() -> String {
        state.withLock { state in
            state.count += 1
            let name = "\(process)#\(state.count)"
            state.waiters[name] = [:]
            return name
        }
    }

    func end(_ name: String) {
        let waiters = state.withLock { $0.waiters.removeValue(forKey: name) }
        // In the order in which they came: the order of a dictionary is another one in every process, and a simulation's story with it.
        for waiter in (waiters ?? [:]).sorted(by: { $0.key < $1.key }) { waiter.value.resume() }
    }

    /// Returns when the run of that name is over, or the task is cancelled.
    func waitForEnd(of name: String) async {
        let id = state.withLock { state in
            state.count += 1
            return state.count
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard state.waiters[name] != nil, !Task.isCancelled else { return true }
                    state.waiters[name]?[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters[name]?.removeValue(forKey: id) }?.resume()
        }
    }

    func isLive(_ name: String) -> Bool {
        state.withLock { $0.waiters[name] != nil }
    }
}
