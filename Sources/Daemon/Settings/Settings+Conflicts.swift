import AMQP
import BOSClient
import JobEngine
import JobModel

/// Two or more values, each right by itself, that do not go together.
struct SettingConflict: Sendable {
    /// The key to change first, then the others.
    let keys: [String]
    let fault: String
    let advice: String

    func problem(origins: [String: ConfigurationOrigin]) -> ConfigurationProblem {
        // The first value that somebody set is where a person should look.
        let named = keys.first { origins[$0] != nil } ?? keys[0]
        return ConfigurationProblem(key: keys[0], origin: origins[named] ?? .builtIn, fault: fault, advice: advice)
    }
}

extension Settings {
    /// What does not go together in these settings.
    var conflicts: [SettingConflict] { timing + tokens + plainText + codes + certificates + names }

    private var timing: [SettingConflict] {
        var found: [SettingConflict] = []
        let (requestTimeout, policy, breaker) = (bos.requestTimeout, engine.policy, lane.breaker)
        func require(_ isRight: Bool, _ keys: [String], _ fault: String, _ advice: String) {
            if !isRight { found.append(SettingConflict(keys: keys, fault: fault, advice: advice)) }
        }
        // This machine sends nothing of a call after its time-out: the connection is reset then, or given up by the kernel if the process has
        // died. What is on its way through a network has another minute, and on this machine there is no network.
        let (onTheWay, least) = (Duration.seconds(isLoopbackURL(bos.baseURL) ? 0 : 60), Duration.milliseconds(1))
        require(
            policy.settle.window >= requestTimeout + max(onTheWay, least), ["retry.settle.window", "api.requestTimeout"],
            "\(formatted(policy.settle.window)) is too short beside api.requestTimeout: \"not found\" could be believed while the first request is on its way",
            "make it \(onTheWay > .zero ? "\(formatted(requestTimeout + onTheWay)) or more" : "longer than \(formatted(requestTimeout))")"
        )
        require(
            engine.deliveryTimeout >= requestTimeout * 2, ["jobs.timeout", "api.requestTimeout"],
            "\(formatted(engine.deliveryTimeout)) is less than twice api.requestTimeout, so jobs could go back to their queue before BOS has had time for them",
            "make it \(formatted(requestTimeout * 2)) or more")
        require(
            policy.send.maximum >= policy.send.initial, ["retry.maximumBackoff", "retry.initialBackoff"],
            "\(formatted(policy.send.maximum)) is shorter than retry.initialBackoff", "make it \(formatted(policy.send.initial)) or more")
        require(
            policy.enquiry.maximum >= policy.enquiry.initial, ["retry.enquiry.maximumBackoff", "retry.enquiry.initialBackoff"],
            "\(formatted(policy.enquiry.maximum)) is shorter than retry.enquiry.initialBackoff",
            "make it \(formatted(policy.enquiry.initial)) or more")
        require(
            breaker.maximumInterval >= breaker.firstInterval, ["breaker.maximumProbeInterval", "breaker.probeInterval"],
            "\(formatted(breaker.maximumInterval)) is shorter than breaker.probeInterval",
            "make it \(formatted(breaker.firstInterval)) or more")
        require(
            policy.pan.maximumInterval >= policy.pan.firstCheckAfter, ["poller.pan.maximumInterval", "poller.pan.firstCheckAfter"],
            "\(formatted(policy.pan.maximumInterval)) is shorter than poller.pan.firstCheckAfter",
            "make it \(formatted(policy.pan.firstCheckAfter)) or more")
        return found
    }

    private var tokens: [SettingConflict] {
        // Nobody else calls BOS, and secrets are given to those alone who need them.
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

    /// Whatever goes over `http://` to another machine can be read and changed on the way.
    private var plainText: [SettingConflict] {
        let urls = [("api.baseURL", Optional(bos.baseURL)), ("auth.url", authMode == .authorise ? authorise.url : nil)]
        return urls.compactMap { key, url in
            guard !allowsPlainHTTP, let url, isPlainURL(url), !isLoopbackURL(url) else { return nil }
            return SettingConflict(
                keys: [key, "api.allowPlainHTTP"],
                fault: "http:// to another machine sends the token and subscriber numbers in the clear",
                advice: "write https://, or set api.allowPlainHTTP to true if the network between is your own")
        }
    }

    /// One code must not mean "later" and something else.
    private var codes: [SettingConflict] {
        let codes = bos.codes
        let taken =
            [(codes.done, "done"), (codes.duplicateReference, "known before")] + codes.accepted.map { ($0, "api.acceptedCodes") }
            + codes.finalRefusals.map { ($0, "api.finalCodes") }
        return taken.filter { codes.postponed.contains($0.0) }.map { code, meaning in
            SettingConflict(
                keys: ["api.postponedCodes", "api.acceptedCodes", "api.finalCodes"],
                fault: "\(code) already means \"\(meaning)\"", advice: "leave it out of one of them")
        }
    }

    private var certificates: [SettingConflict] {
        var found: [SettingConflict] = []
        let tls = broker.tls
        if (tls.certificateFile == nil) != (tls.keyFile == nil) {
            let (missing, given) =
                tls.keyFile == nil
                ? ("amqp.tls.keyFile", "amqp.tls.certificateFile") : ("amqp.tls.certificateFile", "amqp.tls.keyFile")
            found.append(SettingConflict(keys: [missing, given], fault: "\(given) is given without it", advice: "give both or neither"))
        }
        return found
    }

    /// Two queues, or two exchanges, of one name would mix what must stay apart.
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
        return guardQueues
            + groups.flatMap { group in
                Dictionary(grouping: group) { $0.1 }.values.filter { $0.count > 1 }.map { same in
                    SettingConflict(
                        keys: [same[1].0, same[0].0], fault: "it has the same name as \(same[0].0)", advice: "give each a name of its own")
                }
            }
    }

    /// With a lock or a marker of another name a second worker could consume the same jobs.
    private var guardQueues: [SettingConflict] {
        let (queues, standard) = (topology.queues, Topology.Queues())
        guard queues.recharge == standard.recharge else { return [] }
        let named = [("amqp.queues.lock", queues.lock, standard.lock), ("amqp.queues.ledger", queues.ledger, standard.ledger)]
        return named.filter { $0.1 != $0.2 }.map { key, _, name in
            SettingConflict(
                keys: [key, "amqp.queues.recharge"],
                fault: "it guards the jobs in \(standard.recharge), and under another name it would let a second worker at them",
                advice: "leave it at \(name), or give amqp.queues.recharge a name of its own as well")
        }
    }

    private func formatted(_ duration: Duration) -> String { DurationText.format(duration) }
}
