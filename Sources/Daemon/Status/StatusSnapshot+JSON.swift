import AMQP
import BOSClient
import Events
import ExactJSON
import JobEngine
import JobModel
import Ledger
import Logging
import Observability

/// The body of `/api/status`. Members may be added, and none is renamed. Source: operating.md#pages.
extension StatusSnapshot {
    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("program", .string(program.rawValue)),
            .init("version", .string(Version.current)),
            .init("ready", .bool(problems.isEmpty)),
            .init("reasons", .array(problems.map { .object([.init("check", .string($0.check)), .init("detail", .string($0.detail))]) })),
            .init("time", .time(takenAt)),
            .init("started_at", .time(startedAt)),
            .init("headline", headline.json),
            .init("findings", .array(findings.map(\.json))),
            .init("queues", .object(queues.filter { $0.ready != nil }.map { $0.json(why: explanation(of: $0)) })),
            .init("jobs", .array(jobs)),
            .init(
                "doubts",
                .object([
                    .init("count", .whole(doubts)), .init("rupees", .string(sample.summary.doubtAmount.rupees)),
                    .init("oldest_since", .time(sample.summary.oldestDoubt)),
                ])),
            .init("left_to_person", .whole(leftToPerson)),
            .init(
                "pan",
                .object([
                    .init("pending", .whole(stored(.panStatus, in: .pending))), .init("oldest_since", .time(sample.applications.oldest)),
                    .init("next_due", .time(sample.applications.nextDue)),
                ])),
            .init("next_due", .time(sample.summary.oldestDue)),
            .init("ledger_problem", .text(sample.ledgerProblem)),
            .init("connections", .array(connections.map(\.json))),
            .init("recent", recent.json),
            .init("events", .array(events.map(\.json))),
        ]
        if let worker { members += workerMembers(worker) }
        if let poller {
            members.append(
                .init("poller", .object([.init("last_round", .time(poller.lastRound)), .init("trouble", .text(poller.trouble))])))
        }
        return .object(members)
    }

    private func workerMembers(_ worker: Worker) -> [JSONValue.Member] {
        [
            .init("doubt_amount_rupees", .number(sample.summary.doubtAmount.rupees)),
            .init("oldest_doubt_since", .time(sample.summary.oldestDoubt)),
            .init("enquiry_problems", .array(worker.enquiryProblems.map { .string($0) })),
            .init("replies_owed", .whole(sample.summary.unpublishedReplies)),
            .init(
                "replies",
                .object([
                    .init("owed", .whole(sample.summary.unpublishedReplies)), .init("oldest_since", .time(sample.owedSince)),
                    .init("unconfirmed", .whole(connections.reduce(0) { $0 + $1.status.unconfirmed })),
                ])),
            .init("in_flight", .object(JobKind.allCases.map { .init($0.rawValue, .whole(worker.inFlight[$0] ?? 0)) })),
            .init(
                "lanes",
                .object(
                    JobLane.allCases.compactMap { lane in
                        worker.lanes[lane].map { .init("\(lane)", .object($0.members + [.init("unfinished", .whole(unfinished(lane)))])) }
                    })),
            .init(
                "bos",
                .object([
                    .init("unanswered_since", .time(unansweredSince)),
                    .init("calls_under_way", .whole(worker.drain.calls)),
                    .init("longest_call_seconds", .seconds(worker.drain.longestCall)),
                    .init("rate_limit_per_second", worker.ratePerSecond.map { .whole($0) } ?? .null),
                    .init("waiting_for_rate_limit", .whole(worker.waitingForRate)),
                ])),
            .init("token", worker.tokenJSON),
            .init(
                "drain",
                .object([
                    .init("stopping", .bool(worker.isStopping)),
                    .init("expected_seconds", .seconds(worker.drain.expected)),
                    .init("at_most_seconds", .seconds(worker.drain.atMost)),
                    .init("timeout_seconds", .seconds(worker.drain.timeout)),
                ])),
        ]
    }

    /// The number of jobs of each kind in each state. A pair without a job is left out.
    private var jobs: [JSONValue] {
        JobKind.allCases.flatMap { kind in
            JobState.allCases.compactMap { state in
                sample.summary.stored[LedgerSummary.Key(kind, in: state)].map { count in
                    .object([
                        .init("kind", .string(kind.rawValue)), .init("state", .string(state.rawValue)), .init("count", .whole(count)),
                    ])
                }
            }
        }
    }
}

extension StatusSnapshot.Queue {
    fileprivate func json(why: String?) -> JSONValue.Member {
        .init(
            name,
            .object([
                .init("messages", .whole(ready ?? 0)), .init("consumers", .whole(consumers ?? 0)),
                .init("growth_per_minute", growthPerMinute.map { .decimal($0) } ?? .null), .init("why", .text(why)),
            ]))
    }
}

extension StatusSnapshot.Broker {
    fileprivate var json: JSONValue {
        var (broker, problem): (String?, String?)
        switch status.state {
        case .connected(let url, let version): broker = "\(url) (RabbitMQ \(version))"
        case .connecting(_, let error): problem = error.map { "\($0)" } ?? "not connected yet"
        case .stopped: problem = "closed"
        }
        return .object([
            .init("role", .string(role)), .init("connected", .bool(status.isConnected)), .init("since", .time(since)),
            .init("broker", .text(broker)), .init("problem", .text(problem)), .init("blocked_reason", .text(status.blockedReason)),
            .init("reconnects", .whole(status.reconnects)),
        ])
    }
}

extension LaneStatus {
    fileprivate var members: [JSONValue.Member] {
        let pauses = pauses.sorted { $0.key.rawValue < $1.key.rawValue }.map { reason, pause in
            JSONValue.object([
                .init("reason", .string(reason.rawValue)), .init("detail", .string(pause.detail)), .init("since", .time(pause.since)),
            ])
        }
        return [
            .init("running", .whole(running)), .init("limit", .whole(limit)), .init("waiting_for_slot", .whole(waiting)),
            .init("breaker", .string(breaker.name)), .init("next_probe", .time(probeAt)), .init("retry_after", .time(throttledUntil)),
            .init("unanswered_since", .time(unansweredSince)), .init("pauses", .array(pauses)),
        ]
    }
}

extension CircuitBreaker.State {
    /// The state in a word.
    var name: String {
        switch self {
        case .closed: "closed"
        case .halfOpen: "half_open"
        case .open: "open"
        }
    }
}

extension StatusSnapshot.Worker {
    fileprivate var tokenJSON: JSONValue {
        func time(_ unixSeconds: Double?) -> JSONValue { .time(unixSeconds.map(Timestamp.init(unixSeconds:))) }
        return .object([
            .init("used", .bool(usesToken)), .init("usable", .bool(token.isUsable)), .init("expires_at", time(token.expiresAt)),
            .init("renewed_at", time(token.renewedAt)), .init("refused_at", time(token.refusedAt)),
            .init("not_renewed_at", time(token.failure?.at)), .init("not_renewed_because", .text(token.failure?.problem)),
            .init("problem", .text(token.problem)),
        ])
    }
}

extension Timestamp {
    /// A time that is given in Unix seconds.
    init(unixSeconds: Double) { self.init(milliseconds: Int64(max(-6e10, min(unixSeconds, 2.5e11)) * 1_000)) }
}

extension RecentWork {
    fileprivate var json: JSONValue {
        let jobs = JobKind.allCases.map { kind in
            JSONValue.Member(
                kind.rawValue,
                .object(
                    [
                        .init("per_second", .decimal(jobsPerSecond[kind] ?? 0)),
                        .init("outcomes", .counts(totals.jobs[kind] ?? [:])),
                    ] + latency(totals.jobSeconds[kind])))
        }
        let calls = BOSMetrics.Endpoint.allCases.map { endpoint in
            JSONValue.Member(
                endpoint.rawValue,
                .object([.init("results", .counts(totals.calls[endpoint] ?? [:]))] + latency(totals.callSeconds[endpoint])))
        }
        return .object([
            .init("seconds", .seconds(span)), .init("jobs", .object(jobs)), .init("calls", .object(calls)),
            .init("requeued", .counts(totals.requeued)),
        ])
    }
}

extension RecentEvents.Entry {
    fileprivate var json: JSONValue {
        .object([
            .init("event", .string(event.rawValue)), .init("level", .string(level.rawValue)),
            .init("first", .time(Timestamp(milliseconds: first))), .init("last", .time(Timestamp(milliseconds: last))),
            .init("count", .whole(count)), .init("text", .string(text)),
        ])
    }
}

extension JSONValue {
    fileprivate static func whole(_ value: Int) -> JSONValue { .number(String(value)) }
    /// Rounded to thousandths.
    fileprivate static func decimal(_ value: Double) -> JSONValue { .number("\((value * 1_000).rounded() / 1_000)") }
    fileprivate static func seconds(_ duration: Duration) -> JSONValue { .decimal(duration / .seconds(1)) }
    fileprivate static func time(_ moment: Timestamp?) -> JSONValue { moment.map { .string($0.rfc3339) } ?? .null }
    fileprivate static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    /// Counts by name, without those that are zero.
    fileprivate static func counts<Key: RawRepresentable & CaseIterable & Hashable>(_ counts: [Key: Int]) -> JSONValue
    where Key.RawValue == String {
        let shown = Key.allCases.filter { counts[$0, default: 0] != 0 }
        return .object(shown.map { .init($0.rawValue, .whole(counts[$0, default: 0])) })
    }
}

/// The members that say how long most took.
private func latency(_ seconds: Distribution?) -> [JSONValue.Member] {
    [0.5, 0.99].map { share in
        .init("p\(Int(share * 100))_seconds", seconds?.quantile(share).map { .decimal($0) } ?? .null)
    }
}
