import AMQP
import BOSClient
import JobEngine
import JobModel
import Ledger
import Observability

// MARK: - The sentence on top, and all that needs attention

extension StatusSnapshot {
    /// The worst finding, or that all is well: the sentence on top of the page.
    var headline: StatusFinding { findings.first ?? allIsWell }

    /// All that needs attention, the worst first.
    var findings: [StatusFinding] {
        let found: [StatusFinding]
        if let worker {
            found = stopping(worker) + brokerFindings + ledgerFindings(worker) + pauses(worker) + consumption(worker) + common
        } else {
            found = brokerFindings + pollerFindings + common
        }
        // Stable: findings of one level keep their order.
        return StatusFinding.Level.allCases.reversed().flatMap { level in found.filter { $0.level == level } }
    }

    private var allIsWell: StatusFinding {
        let sentence =
            switch program {
            case .worker:
                switch recent.jobsPerSecond[.recharge] ?? 0 {
                case ...0: "Money can move: the worker waits for recharges."
                case ..<2:
                    "Money moves: about \(Int(((recent.jobsPerSecond[.recharge] ?? 0) * 60).rounded())) recharges a minute are answered."
                case let rate: "Money moves: about \(Int(rate.rounded())) recharges a second are answered."
                }
            case .poller: "Jobs that wait in the ledger go back to their queue when they are due."
            }
        return StatusFinding(.good, says: sentence, advice: "Nothing has to be done.", section: .threeInTheMorning)
    }

    private func stopping(_ worker: Worker) -> [StatusFinding] {
        guard worker.isStopping else { return [] }
        return [
            StatusFinding(
                .stopped, says: "The worker is stopping: it takes no new job, and waits for \(worker.drain.calls) calls to BOS.",
                advice: "Wait \(worker.drain.atMost.words) at most; start it again afterwards.", section: .running)
        ]
    }

    /// Connections that are down or blocked.
    private var brokerFindings: [StatusFinding] {
        connections.compactMap { connection -> StatusFinding? in
            if !connection.status.isConnected {
                var problem: String?
                if case .connecting(_, let error?) = connection.status.state { problem = "\(error)" }
                return StatusFinding(
                    .stopped,
                    says: "\(stands): no connection to the broker (\(connection.role)) since \(connection.since.clock) "
                        + "(\((takenAt - connection.since).words)).",
                    advice: "Nothing is lost. Look at the broker; the program connects again by itself.", section: .brokerAway,
                    detail: problem)
            }
            guard let reason = connection.status.blockedReason else { return nil }
            return StatusFinding(
                .stopped, says: "\(stands): the broker accepts no messages, so no reply leaves.",
                advice: "Mend the broker's alarm (memory or disk). Replies are kept, and leave by themselves then.", section: .brokerAway,
                detail: reason)
        }
    }

    private var stands: String {
        switch program {
        case .worker: "No money moves"
        case .poller: "No waiting job goes on"
        }
    }

    private func ledgerFindings(_ worker: Worker) -> [StatusFinding] {
        // A lane that is paused for the ledger says it with the time.
        guard let problem = sample.ledgerProblem, !worker.lanes.values.contains(where: { $0.pauses[.ledger] != nil }) else { return [] }
        return [
            StatusFinding(
                .stopped, says: "No money moves: the ledger cannot be read or written.",
                advice: "Free the disk, or mend what the detail names.",
                section: .whenJobsWait, detail: problem)
        ]
    }

    private func pauses(_ worker: Worker) -> [StatusFinding] {
        JobLane.allCases.flatMap { lane in
            let pauses = (worker.lanes[lane]?.pauses ?? [:]).sorted { $0.value.since < $1.value.since }
            return pauses.map { $0.key.finding(lane, pause: $0.value, at: takenAt) }
        }
    }

    /// Problems of readiness that no other finding names.
    private func consumption(_ worker: Worker) -> [StatusFinding] {
        let isAway = connections.contains { !$0.status.isConnected }
        return problems.compactMap { problem -> StatusFinding? in
            switch problem.check {
            case "consuming" where !isAway && worker.lanes.values.allSatisfy(\.pauses.isEmpty):
                StatusFinding(
                    .stopped, says: "The worker does not consume a queue.",
                    advice: "Look at what the detail names; the worker tries again by itself.",
                    section: .notConsuming, detail: problem.detail)
            case "topology":
                StatusFinding(
                    .attention, says: "An exchange, queue or binding on the broker is missing or different.",
                    advice: "The worker declares it again where it may; else an administrator has to.", section: .watches,
                    detail: problem.detail)
            // A lane that is paused for the credentials says it with the time.
            case "token" where worker.lanes.values.allSatisfy { $0.pauses[.credentials] == nil }:
                StatusFinding(
                    .stopped, says: "No money moves: there is no usable token.",
                    advice: "Check the auth settings; if they are right, ask BOS.",
                    section: .whenJobsWait, detail: problem.detail)
            default: nil
            }
        }
    }

    private var pollerFindings: [StatusFinding] {
        guard let trouble = poller?.trouble, connections.allSatisfy(\.status.isConnected) else { return [] }
        return [
            StatusFinding(
                .stopped, says: "No waiting job goes on: the poller's last round failed.",
                advice: "Look at what the detail names; the poller tries again by itself.", section: .notBroughtBack, detail: trouble)
        ]
    }

    /// What the ledger and the queues show of work that is left behind.
    private var common: [StatusFinding] {
        var found: [StatusFinding] = []
        let parked = stored(.recharge, in: .parked) + stored(.recharge, in: .held)
        if parked > 0 {
            found.append(
                StatusFinding(
                    .attention, says: "\(parked.things("recharge waits", many: "recharges wait")) for a person's decision.",
                    advice: "Look at bosctl doubts, ask BOS, and decide with bosctl resolve.", section: .leftToPerson))
        }
        if let oldest = sample.summary.oldestDoubt, takenAt - oldest > .seconds(3_600) {
            found.append(
                StatusFinding(
                    .attention,
                    says:
                        "\(doubts.things("recharge is", many: "recharges are")) in doubt (₹ \(sample.summary.doubtAmount.rupees)), the oldest for "
                        + "\((takenAt - oldest).words).",
                    advice: "Look at bosctl doubts, and ask BOS if the doubt stays.", section: .moneyInDoubt))
        }
        if let due = sample.summary.oldestDue, takenAt - due > .seconds(120) {
            found.append(
                StatusFinding(
                    .attention, says: "A job that waits in the ledger is overdue by \((takenAt - due).words).",
                    advice: "Check that the poller runs: its page says why it does not.", section: .notBroughtBack))
        }
        if let since = sample.owedSince, takenAt - since > .seconds(120) {
            found.append(
                StatusFinding(
                    .attention,
                    says: "\(sample.summary.unpublishedReplies.things("reply is", many: "replies are")) owed, the oldest for "
                        + "\((takenAt - since).words).",
                    advice: "The events below name the routing key and the reason.", section: .repliesOwed))
        }
        if worker?.enquiryProblems.isEmpty == false {
            found.append(
                StatusFinding(
                    .attention, says: "BOS's enquiry cannot be relied on: \"not found\" resolves no doubt.",
                    advice: "Check api.paths.enquiry and api.enquiry against bosctl codes.", section: .enquiryUnreliable,
                    detail: worker?.enquiryProblems.joined(separator: "; ")))
        }
        return found + keptMessages
    }

    private var keptMessages: [StatusFinding] {
        queues.compactMap { queue -> StatusFinding? in
            guard let count = queue.ready, count > 0 else { return nil }
            switch queue.role {
            case .jobs: return nil
            case .deadLetters:
                return StatusFinding(
                    .attention, says: "\(count.things("message", many: "messages")) in \(queue.name) could not be understood.",
                    advice: "Look at the header x-bos-reason, and ask the service that sent it.", section: .notUnderstood)
            case .unroutedReplies:
                return StatusFinding(
                    .attention, says: "\(count.things("reply", many: "replies")) in \(queue.name) had no queue bound for them.",
                    advice: "Bind the queue of the service that asked.", section: .withoutListener)
            }
        }
    }
}

// MARK: - Why a queue holds messages

extension StatusSnapshot {
    /// Why messages wait in a queue of jobs, in one sentence; `nil` if none waits or the queue holds no jobs.
    func explanation(of queue: Queue) -> String? {
        guard let ready = queue.ready, ready > 0, case .jobs(let name) = queue.role else { return nil }
        guard let worker, let lane = worker.lanes[name] else {
            return queue.consumers == 0 ? "no worker consumes it" : "the worker's page says why"
        }
        if worker.isStopping { return "the worker is stopping" }
        if let pause = lane.pauses.min(by: { $0.value.since < $1.value.since }) {
            return "paused since \(pause.value.since.clock) (\(pause.key.rawValue)): \(pause.value.detail)"
        }
        if queue.consumers == 0 { return "no worker consumes it" }
        if worker.waitingForRate > 0, let rate = worker.ratePerSecond {
            return "api.ratePerSecond (\(rate) a second) is used up: \(worker.waitingForRate.things("call waits", many: "calls wait"))"
        }
        let slow = recent.slowCall(of: name).map { ", and 99 of 100 calls to BOS end within \($0.words)" } ?? ""
        if lane.running >= lane.limit { return "all \(lane.limit) slots are in use\(slow): more jobs come than BOS answers" }
        return (queue.growthPerMinute ?? 0) > 0 ? "more jobs come than are answered\(slow)" : "it is being worked off\(slow)"
    }
}

extension RecentWork {
    /// The time within which 99 of 100 calls of a lane have ended; `nil` if there was none.
    fileprivate func slowCall(of lane: JobLane) -> Duration? {
        let endpoints: [BOSMetrics.Endpoint] =
            switch lane {
            case .money: [.recharge]
            case .questions: [.enquiry, .panStatus]
            }
        return endpoints.compactMap { totals.callSeconds[$0]?.quantile(0.99) }.max().map { .seconds($0) }
    }
}
