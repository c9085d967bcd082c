import AMQP
import BOSClient
import JobEngine
import JobModel
import Ledger
import Observability

extension StatusPageView {
    /// The work of the last minutes.
    struct Recent {
        let span: String
        let rows: [Work]

        init(_ snapshot: StatusSnapshot) {
            let recent = snapshot.recent
            span = recent.span < .seconds(1) ? "moments" : recent.span.words
            switch snapshot.program {
            case .worker:
                rows =
                    JobKind.allCases.map { kind in
                        Work(
                            "\(kind.rawValue): jobs answered", results: Self.list(recent.totals.jobs[kind] ?? [:]),
                            seconds: recent.totals.jobSeconds[kind])
                    }
                    + BOSMetrics.Endpoint.allCases.map { endpoint in
                        Work(
                            "\(endpoint.rawValue): calls to BOS", results: Self.list(recent.totals.calls[endpoint] ?? [:]),
                            seconds: recent.totals.callSeconds[endpoint])
                    }
            case .poller:
                rows = JobKind.allCases.map { kind in
                    Work("\(kind.rawValue): jobs put back on their queue", results: (recent.totals.requeued[kind] ?? 0).grouped)
                }
            }
        }

        private static func list<Name: RawRepresentable & CaseIterable & Hashable>(_ counts: [Name: Int]) -> String
        where Name.RawValue == String {
            let parts = Name.allCases.compactMap { name in
                counts[name].flatMap { $0 > 0 ? "\($0.grouped) \(name.rawValue.replacing("_", with: " "))" : nil }
            }
            return parts.isEmpty ? "none" : parts.joined(separator: ", ")
        }
    }

    struct Work {
        let name: String
        let results: String
        let half: String
        let most: String

        init(_ name: String, results: String, seconds: Distribution? = nil) {
            self.name = name
            self.results = results
            func words(_ share: Double) -> String { seconds?.quantile(share).map { Duration.seconds($0).words } ?? "–" }
            half = words(0.5)
            most = words(0.99)
        }
    }

    /// A connection to the broker, or the token.
    struct Row {
        let name: String
        let state: String
        let level: String
        let details: String

        init(_ connection: StatusSnapshot.Broker) {
            name = "broker (\(connection.role))"
            let status = connection.status
            let reconnects = status.reconnects > 0 ? "; \(status.reconnects.things("session was", many: "sessions were")) lost" : ""
            let since = "since \(connection.since.dateAndClock)"
            switch status.state {
            case .connected(let url, let version):
                (state, level) = status.isBlocked ? ("blocked", "stopped") : ("connected", "good")
                details = "\(since) to \(url), RabbitMQ \(version)\(status.blockedReason.map { "; blocked: \($0)" } ?? "")\(reconnects)"
            case .connecting(let attempt, let error):
                (state, level) = ("not connected", "stopped")
                details = "\(since); attempt \(attempt)\(error.map { ": \($0)" } ?? "")\(reconnects)"
            case .stopped: (state, level, details) = ("closed", "attention", since)
            }
        }

        /// - Parameter now: wall-clock time.
        init(token worker: StatusSnapshot.Worker, at now: Timestamp) {
            name = "token"
            let token = worker.token
            func moment(_ unixSeconds: Double) -> String { Timestamp(unixSeconds: unixSeconds).dateAndClock }
            var parts: [String] = []
            if let problem = token.problem { parts.append(problem) }
            if let expiry = token.expiresAt {
                let left = Timestamp(unixSeconds: expiry) - now
                parts.append(left > .zero ? "expires in \(left.words)" : "expired at \(moment(expiry))")
            }
            if let renewed = token.renewedAt { parts.append("renewed at \(moment(renewed))") }
            if let failure = token.failure { parts.append("not renewed at \(moment(failure.at)): \(failure.problem)") }
            if let refused = token.refusedAt { parts.append("BOS refused it at \(moment(refused))") }
            (state, level) =
                if !token.isUsable { ("not usable", "stopped") } else if worker.usesToken { ("usable", "good") } else {
                    ("not used", "plain")
                }
            details = parts.isEmpty ? "–" : parts.joined(separator: "; ")
        }
    }
}

// MARK: - Figures

extension StatusPageView.Figure {
    /// The figures of the section "Now".
    static func all(of snapshot: StatusSnapshot) -> [Self] {
        var figures = snapshot.worker.map { work(of: $0, in: snapshot) } ?? []
        let summary = snapshot.sample.summary
        figures.append(
            Self(
                "In doubt", value: snapshot.doubts.grouped,
                note: snapshot.doubts == 0 ? nil : "₹ \(summary.doubtAmount.rupees)" + age(of: summary.oldestDoubt, in: snapshot)))
        figures.append(Self("Left to a person", value: snapshot.leftToPerson.grouped))
        figures.append(
            Self(
                "Next waiting job due", value: summary.oldestDue.map { due($0, in: snapshot) } ?? "–",
                note: summary.oldestDue == nil ? "none waits in the ledger" : nil))
        let pending = snapshot.stored(.panStatus, in: .pending)
        figures.append(
            Self(
                "PAN applications pending", value: pending.grouped,
                note: pending == 0
                    ? nil
                    : (snapshot.sample.applications.nextDue.map { "next asked \(due($0, in: snapshot))" } ?? "")
                        + age(of: snapshot.sample.applications.oldest, in: snapshot)))
        figures.append(
            Self(
                "Replies owed", value: summary.unpublishedReplies.grouped,
                note: snapshot.sample.owedSince.map { "the oldest for \((snapshot.takenAt - $0).words)" }))
        if let poller = snapshot.poller { figures.append(Self("Last round", value: "\((snapshot.takenAt - poller.lastRound).words) ago")) }
        return figures
    }

    private static func work(of worker: StatusSnapshot.Worker, in snapshot: StatusSnapshot) -> [Self] {
        let inFlight = worker.inFlight.values.reduce(0, +)
        let kinds = JobKind.allCases.compactMap { kind in
            worker.inFlight[kind].flatMap { $0 > 0 ? "\($0) \(kind.rawValue)" : nil }
        }
        let rate = snapshot.recent.jobsPerSecond[.recharge] ?? 0
        let latency = snapshot.recent.totals.jobSeconds[.recharge]
        func seconds(_ share: Double) -> String? { latency?.quantile(share).map { Duration.seconds($0).words } }
        return [
            Self("In flight", value: inFlight.grouped, note: kinds.isEmpty ? nil : kinds.joined(separator: ", ")),
            Self("Recharges answered", value: rate >= 1 ? "\(Int(rate.rounded())) a second" : "\(Int((rate * 60).rounded())) a minute"),
            Self(
                "Time of a recharge", value: seconds(0.5) ?? "–", note: seconds(0.99).map { "99 % within \($0)" } ?? "none answered lately"),
            Self(
                "A stop would take", value: worker.drain.calls == 0 ? "no time" : "about \(worker.drain.expected.words)",
                note: worker.drain.calls == 0
                    ? nil
                    : "\(worker.drain.calls.things("call", many: "calls")) under way, the longest for \(worker.drain.longestCall.words); "
                        + "at most \(worker.drain.atMost.words)"),
        ]
    }

    private static func age(of moment: Timestamp?, in snapshot: StatusSnapshot) -> String {
        moment.map { ", the oldest for \((snapshot.takenAt - $0).words)" } ?? ""
    }

    private static func due(_ moment: Timestamp, in snapshot: StatusSnapshot) -> String {
        let left = moment - snapshot.takenAt
        return left >= .zero ? "in \(left.words)" : "now, for \((.zero - left).words)"
    }
}

extension Int {
    /// The number with a comma between thousands.
    var grouped: String {
        let digits = String(magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (self < 0 ? "−" : "") + text
    }
}
