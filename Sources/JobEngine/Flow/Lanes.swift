package import JobModel

/// The two lanes of a worker.
package struct Lanes: Sendable {
    package let money: Lane
    package let questions: Lane

    package init(money: Lane, questions: Lane) {
        self.money = money
        self.questions = questions
    }

    package var all: [Lane] { [money, questions] }

    package subscript(name: JobLane) -> Lane {
        switch name {
        case .money: money
        case .questions: questions
        }
    }

    /// Stops consuming in both lanes, for a reason that concerns every job.
    package func close(_ reason: PauseReason, _ detail: String) async {
        for lane in all { await lane.gate.close(reason, detail) }
    }
}
