/// Two or more values, each right by itself, that do not go together.
struct Contradiction: Sendable {
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
    var contradictions: [Contradiction] { timing + tokens + certificates + names }

    private var timing: [Contradiction] {
        var found: [Contradiction] = []
        func require(_ isRight: Bool, _ keys: [String], _ fault: String, _ advice: String) {
            if !isRight { found.append(Contradiction(keys: keys, fault: fault, advice: advice)) }
        }
        require(
            retry.settle.window > api.requestTimeout, ["retry.settle.window", "api.requestTimeout"],
            "\(spelled(retry.settle.window)) is not longer than api.requestTimeout, so \"not found\" could be believed while the first request is on its way",
            "make it longer than \(spelled(api.requestTimeout))")
        require(
            jobs.timeout >= api.requestTimeout * 2, ["jobs.timeout", "api.requestTimeout"],
            "\(spelled(jobs.timeout)) is less than twice api.requestTimeout, so jobs could go back to their queue before BOS has had time for them",
            "make it \(spelled(api.requestTimeout * 2)) or more")
        require(
            retry.maximumBackoff >= retry.initialBackoff, ["retry.maximumBackoff", "retry.initialBackoff"],
            "\(spelled(retry.maximumBackoff)) is shorter than retry.initialBackoff", "make it \(spelled(retry.initialBackoff)) or more")
        require(
            retry.enquiry.maximumBackoff >= retry.enquiry.initialBackoff, ["retry.enquiry.maximumBackoff", "retry.enquiry.initialBackoff"],
            "\(spelled(retry.enquiry.maximumBackoff)) is shorter than retry.enquiry.initialBackoff",
            "make it \(spelled(retry.enquiry.initialBackoff)) or more")
        require(
            breaker.maximumProbeInterval >= breaker.probeInterval, ["breaker.maximumProbeInterval", "breaker.probeInterval"],
            "\(spelled(breaker.maximumProbeInterval)) is shorter than breaker.probeInterval",
            "make it \(spelled(breaker.probeInterval)) or more")
        require(
            poller.pan.maximumInterval >= poller.pan.firstCheckAfter, ["poller.pan.maximumInterval", "poller.pan.firstCheckAfter"],
            "\(spelled(poller.pan.maximumInterval)) is shorter than poller.pan.firstCheckAfter",
            "make it \(spelled(poller.pan.firstCheckAfter)) or more")
        return found
    }

    private var tokens: [Contradiction] {
        // Nobody else calls BOS, and secrets are given to those alone who need them.
        guard callsBOS else { return [] }
        let missing: [(key: String, isMissing: Bool)] =
            switch auth.mode {
            case .none: []
            case .file: [("auth.tokenFile", auth.tokenFile == nil)]
            case .authorise:
                [
                    ("auth.url", auth.url == nil), ("auth.clientID", auth.clientID == nil),
                    ("auth.clientSecret", auth.clientSecret == nil),
                ]
            }
        return missing.filter(\.isMissing).map { key, _ in
            Contradiction(
                keys: [key, "auth.mode"], fault: "auth.mode \(auth.mode.rawValue) needs it", advice: "give it, or choose another auth.mode")
        }
    }

    private var certificates: [Contradiction] {
        var found: [Contradiction] = []
        if (amqp.tls.certificateFile == nil) != (amqp.tls.keyFile == nil) {
            let (missing, given) =
                amqp.tls.keyFile == nil
                ? ("amqp.tls.keyFile", "amqp.tls.certificateFile") : ("amqp.tls.certificateFile", "amqp.tls.keyFile")
            found.append(Contradiction(keys: [missing, given], fault: "\(given) is given without it", advice: "give both or neither"))
        }
        return found
    }

    /// Two queues, or two exchanges, of one name would mix what must stay apart.
    private var names: [Contradiction] {
        let groups: [[(String, String)]] = [
            [
                ("amqp.exchanges.jobs", amqp.exchanges.jobs), ("amqp.exchanges.replies", amqp.exchanges.replies),
                ("amqp.exchanges.unrouted", amqp.exchanges.unrouted), ("amqp.exchanges.dead", amqp.exchanges.dead),
            ],
            [
                ("amqp.queues.recharge", amqp.queues.recharge), ("amqp.queues.status", amqp.queues.status),
                ("amqp.queues.unrouted", amqp.queues.unrouted), ("amqp.queues.dead", amqp.queues.dead),
                ("amqp.queues.lock", amqp.queues.lock), ("amqp.queues.ledger", amqp.queues.ledger),
            ],
        ]
        return claims
            + groups.flatMap { group in
                Dictionary(grouping: group) { $0.1 }.values.filter { $0.count > 1 }.map { same in
                    Contradiction(
                        keys: [same[1].0, same[0].0], fault: "it has the same name as \(same[0].0)", advice: "give each a name of its own")
                }
            }
    }

    /// With a lock or a marker of another name a second worker could consume the same jobs.
    private var claims: [Contradiction] {
        let standard = AMQPSettings.Queues()
        guard amqp.queues.recharge == standard.recharge else { return [] }
        let named = [("amqp.queues.lock", amqp.queues.lock, standard.lock), ("amqp.queues.ledger", amqp.queues.ledger, standard.ledger)]
        return named.filter { $0.1 != $0.2 }.map { key, _, name in
            Contradiction(
                keys: [key, "amqp.queues.recharge"],
                fault: "it guards the jobs in \(standard.recharge), and under another name it would let a second worker at them",
                advice: "leave it at \(name), or give amqp.queues.recharge a name of its own as well")
        }
    }

    private func spelled(_ duration: Duration) -> String { DurationText.spell(duration) }
}
