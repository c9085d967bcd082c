import AMQP
import BOSClient
import JobEngine
import JobModel

/// Two or more values that are each valid alone, but not together.
struct SettingConflict: Sendable {
    /// The key to change first, then the others.
    let keys: [String]
    let fault: String
    let advice: String

    /// The problem to report.
    /// - Parameter origins: where each key that a source gives was read.
    func problem(origins: [String: ConfigurationOrigin]) -> ConfigurationProblem {
        // A conflict with defaults is caused by the value that a source gives, so the problem names that place.
        let given = keys.first { origins[$0] != nil } ?? keys[0]
        return ConfigurationProblem(key: keys[0], origin: origins[given] ?? .builtIn, fault: fault, advice: advice)
    }
}

extension Settings {
    /// All conflicts in these settings.
    var conflicts: [SettingConflict] {
        [settleWindow, deliveryTimeout].compactMap { $0 } + growingPauses + tokens + plainText + codes + certificates + guardQueues + names
    }

    /// "Not found" may only be believed once the first request can no longer reach BOS.
    private var settleWindow: SettingConflict? {
        let (window, requestTimeout) = (engine.policy.notFound.window, bos.requestTimeout)
        // This machine sends nothing of a call after its time-out: the worker resets the connection, or the kernel gives it up if the
        // worker has died. A packet may travel through a network for another minute. Without a network any longer window is enough.
        let (onTheWay, least) = (Duration.seconds(isLoopbackURL(bos.baseURL) ? 0 : 60), Duration.milliseconds(1))
        guard window < requestTimeout + max(onTheWay, least) else { return nil }
        return SettingConflict(
            keys: ["retry.settle.window", "api.requestTimeout"],
            fault:
                "\(formatted(window)) is too short beside api.requestTimeout: \"not found\" could be believed while the first request is "
                + "still on its way",
            advice: onTheWay > .zero
                ? "make it \(formatted(requestTimeout + onTheWay)) or more" : "make it longer than \(formatted(requestTimeout))")
    }

    private var deliveryTimeout: SettingConflict? {
        guard engine.deliveryTimeout < bos.requestTimeout * 2 else { return nil }
        return SettingConflict(
            keys: ["jobs.timeout", "api.requestTimeout"],
            fault:
                "\(formatted(engine.deliveryTimeout)) is less than twice api.requestTimeout, so a job could go back to its queue before BOS "
                + "has had the time to answer",
            advice: "make it \(formatted(bos.requestTimeout * 2)) or more")
    }

    /// The maximum of a growing pause must not be shorter than its first value.
    private var growingPauses: [SettingConflict] {
        let (policy, breaker) = (engine.policy, lane.breaker)
        let pauses = [
            ("retry.maximumBackoff", policy.send.maximum, "retry.initialBackoff", policy.send.initial),
            ("retry.enquiry.maximumBackoff", policy.enquiry.maximum, "retry.enquiry.initialBackoff", policy.enquiry.initial),
            ("breaker.maximumProbeInterval", breaker.maximumInterval, "breaker.probeInterval", breaker.firstInterval),
            ("poller.pan.maximumInterval", policy.pan.maximumInterval, "poller.pan.firstCheckAfter", policy.pan.firstCheckAfter),
        ]
        return pauses.filter { _, maximum, _, first in maximum < first }.map { key, maximum, firstKey, first in
            SettingConflict(
                keys: [key, firstKey], fault: "\(formatted(maximum)) is shorter than \(firstKey)",
                advice: "make it \(formatted(first)) or more")
        }
    }

    private var tokens: [SettingConflict] {
        // Only the worker calls BOS. Other programs need no secrets of BOS, and the users that run them may have no access to these
        // secrets.
        guard callsBOS else { return [] }
        let missing =
            switch authMode {
            case .none: [String]()
            case .file: tokenFile == nil ? ["auth.tokenFile"] : []
            case .authorise: missingForAuthorise
            }
        return missing.map { key in
            SettingConflict(
                keys: [key, "auth.mode"], fault: "auth.mode \(authMode.rawValue) needs it", advice: "give it, or choose another auth.mode")
        }
    }

    /// Requests over `http://` to another machine can be read and changed on their way.
    private var plainText: [SettingConflict] {
        let urls = [("api.baseURL", Optional(bos.baseURL)), ("auth.url", authMode == .authorise ? authorise.url : nil)]
        return urls.compactMap { key, url in
            guard !allowsPlainHTTP, let url, isPlainURL(url), !isLoopbackURL(url) else { return nil }
            return SettingConflict(
                keys: [key, "api.allowPlainHTTP"],
                fault: "http:// to another machine sends the token and subscriber numbers unencrypted",
                advice: "write https://, or set api.allowPlainHTTP to true if the network between the machines is your own")
        }
    }

    /// A code must not mean "not now" and something else.
    private var codes: [SettingConflict] {
        let others = bos.codes.lists.filter { $0.meaning != .postponed }
        let taken =
            [(bos.codes.done, "done"), (bos.codes.duplicateReference, "known before")]
            + others.flatMap { list in list.codes.map { ($0, list.key) } }
        return bos.codes.lists.filter { $0.meaning == .postponed }.flatMap { list in
            taken.filter { list.codes.contains($0.0) }.map { code, meaning in
                SettingConflict(
                    keys: [list.key] + others.map(\.key), fault: "\(code) already means \"\(meaning)\"",
                    advice: "leave it out of one of them")
            }
        }
    }

    private var certificates: [SettingConflict] {
        let tls = broker.tls
        guard (tls.certificateFile == nil) != (tls.keyFile == nil) else { return [] }
        let (certificate, key) = ("amqp.tls.certificateFile", "amqp.tls.keyFile")
        let (missing, given) = tls.keyFile == nil ? (key, certificate) : (certificate, key)
        return [SettingConflict(keys: [missing, given], fault: "\(given) is given without it", advice: "give both or neither")]
    }

    /// With a lock or a marker of another name a second worker could consume the same jobs.
    private var guardQueues: [SettingConflict] {
        let (queues, standard) = (topology.queues, Topology.Queues())
        guard queues.recharge == standard.recharge else { return [] }
        let named = [("amqp.queues.lock", queues.lock, standard.lock), ("amqp.queues.ledger", queues.ledger, standard.ledger)]
        return named.filter { $0.1 != $0.2 }.map { key, _, name in
            SettingConflict(
                keys: [key, "amqp.queues.recharge"],
                fault: "it guards the jobs in \(standard.recharge), and under another name it would let a second worker consume them",
                advice: "leave it at \(name), or give amqp.queues.recharge a name of its own as well")
        }
    }

    /// Two queues or two exchanges with the same name would mix messages that must stay apart.
    private var names: [SettingConflict] {
        let (exchanges, queues) = (topology.exchanges, topology.queues)
        let groups: [[(String, String)]] = [
            [
                ("amqp.exchanges.jobs", exchanges.jobs), ("amqp.exchanges.replies", exchanges.replies),
                ("amqp.exchanges.unrouted", exchanges.unrouted), ("amqp.exchanges.dead", exchanges.dead),
            ],
            [
                ("amqp.queues.recharge", queues.recharge), ("amqp.queues.status", queues.status),
                ("amqp.queues.unrouted", queues.unrouted), ("amqp.queues.dead", queues.dead),
                ("amqp.queues.lock", queues.lock), ("amqp.queues.ledger", queues.ledger),
            ],
        ]
        return groups.flatMap { group in
            Dictionary(grouping: group) { $0.1 }.values.filter { $0.count > 1 }.map { same in
                SettingConflict(
                    keys: [same[1].0, same[0].0], fault: "it has the same name as \(same[0].0)", advice: "give each a name of its own")
            }
        }
    }

    private func formatted(_ duration: Duration) -> String { DurationText.format(duration) }
}
