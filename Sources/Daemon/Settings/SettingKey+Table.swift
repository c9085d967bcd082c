import AMQP
import BOSClient
import JobEngine
import JobModel
import Observability

extension SettingKey {
    /// Every key, in the order of the documentation.
    package static let all: [SettingKey] =
        amqp + jobs + api + auth + pan + retry + breaker + [
            SettingKey(
                "ledger.url", sets: \.ledgerPath, format: .ledgerURL, isSecret: true,
                meaning: "where jobs are recorded; `$STATE_DIRECTORY/ledger.sqlite` when systemd sets that variable")
        ] + poller + [
            SettingKey(
                "http.listen", sets: \.http, format: .listenAddress,
                meaning: "where health, metrics and status are served; the poller's default port is 9465"),
            SettingKey(
                "http.runbook", sets: \.runbookPath, format: .path,
                meaning: "operating.md: the status page leads to its sections, and shows them"),
            SettingKey("log.level", sets: \.log.level, format: .choice, meaning: "lines below this level are not written"),
            SettingKey(
                "log.format", sets: \.log.format, format: .choice,
                meaning: "`auto`: `human` on a terminal, otherwise `json`, one object per line"),
            SettingKey(
                "shutdown.drainTimeout", sets: \.drainTimeout, format: .duration(.zero ... .seconds(3600)),
                meaning: "how long jobs in flight may take to finish; must be below `TimeoutStopSec=` of the systemd unit"),
        ]

    private static let amqp: [SettingKey] = [
        SettingKey(
            "amqp.urls", sets: \.brokerURLs, format: .list(.secret(brokerURLForm, where: isBrokerURL), atLeast: 1),
            isSecret: true,
            meaning: "brokers, tried in turn; `amqps://` for TLS"),
        SettingKey(
            "amqp.heartbeat", sets: \.broker.heartbeat, format: .wholeSeconds(.seconds(1) ... .seconds(600)),
            meaning: "a broker that is silent for twice this time counts as gone"),
        SettingKey(
            "amqp.connectTimeout", sets: \.broker.connectTimeout, format: .duration(.milliseconds(100) ... .seconds(120)),
            meaning: "how long one attempt to reach a broker may take"),
        SettingKey(
            "amqp.declareTopology", sets: \.topology.isDeclared, format: .flag,
            meaning: "`false`: exchanges and queues are only checked; the worker still declares lock and marker"),
        SettingKey("amqp.queueType", sets: \.topology.queueType, format: .choice, meaning: "the type of the durable queues"),
        SettingKey("amqp.exchanges.jobs", sets: \.topology.exchanges.jobs, format: .brokerName, meaning: "where jobs enter"),
        SettingKey(
            "amqp.exchanges.replies", sets: \.topology.exchanges.replies, format: .brokerName, meaning: "where every reply is published"),
        SettingKey(
            "amqp.exchanges.unrouted", sets: \.topology.exchanges.unrouted, format: .brokerName,
            meaning: "takes replies that no queue is bound for"),
        SettingKey(
            "amqp.exchanges.dead", sets: \.topology.exchanges.dead, format: .brokerName,
            meaning: "takes messages that could not be understood"),
        SettingKey("amqp.queues.recharge", sets: \.topology.queues.recharge, format: .brokerName, meaning: "jobs that move money"),
        SettingKey(
            "amqp.queues.status", sets: \.topology.queues.status, format: .brokerName, meaning: "questions: jobs that move no money"),
        SettingKey(
            "amqp.queues.unrouted", sets: \.topology.queues.unrouted, format: .brokerName,
            meaning: "keeps replies that no queue is bound for"),
        SettingKey(
            "amqp.queues.dead", sets: \.topology.queues.dead, format: .brokerName, meaning: "keeps messages that could not be understood"),
        SettingKey(
            "amqp.queues.lock", sets: \.topology.queues.lock, format: .brokerName,
            meaning: "the lock, which the one worker of a ledger holds"),
        SettingKey(
            "amqp.queues.ledger", sets: \.topology.queues.ledger, format: .brokerName,
            meaning: "the marker, which carries nothing and names the ledger of this virtual host"),
        SettingKey("amqp.tls.caFile", sets: \.broker.tls.caFile, format: .path, meaning: "certificate authorities for `amqps://` (PEM)"),
        SettingKey(
            "amqp.tls.certificateFile", sets: \.broker.tls.certificateFile, format: .optional(.path), meaning: "client certificate (PEM)"),
        SettingKey(
            "amqp.tls.keyFile", sets: \.broker.tls.keyFile, format: .optional(.path), meaning: "key of the client certificate (PEM)"),
    ]

    private static let jobs: [SettingKey] = [
        SettingKey(
            "jobs.recharge.concurrency", sets: \.lane.limit.maximum, format: .integer(1...4096),
            meaning: "the most recharges in flight; also the prefetch of their queue"),
        SettingKey(
            "jobs.status.concurrency", sets: \.statusConcurrency, format: .integer(1...4096),
            meaning: "the most questions in flight; also the prefetch of their queue"),
        SettingKey(
            "jobs.minimumConcurrency", sets: \.lane.limit.minimum, format: .integer(1...10_000),
            meaning: "how many jobs each queue may always have in flight, however slow BOS is"),
        SettingKey(
            "jobs.timeout", sets: \.engine.deliveryTimeout, format: .duration(.seconds(1) ... .seconds(900)),
            meaning:
                "the longest time that a delivery is held; a job that needs longer waits in the ledger; at least twice `api.requestTimeout`"
        ),
        SettingKey(
            "jobs.maximumAmount", sets: \.engine.rules.maximumAmount, format: .rupees(1...100_000_000_000),
            meaning: "rupees; a recharge of more is refused (the default is an assumption)"),
        SettingKey(
            "jobs.recharge.duplicateWindow", sets: \.duplicateWindow, format: .optional(.duration(.seconds(1) ... .seconds(7 * 86_400))),
            meaning:
                "a recharge with the subscriber, operator and amount of another one within this time is not sent; recharges from before this key was set do not count"
        ),
        SettingKey(
            "jobs.recharge.duplicateAction", sets: \.duplicateAction, format: .choice,
            meaning: "what happens to such a recharge: `refuse`, or `park` for a person (`bosctl doubts`)"),
    ]

    private static let api: [SettingKey] = [
        SettingKey("api.baseURL", sets: \.bos.baseURL, format: .webURL, meaning: "the BOS API"),
        SettingKey(
            "api.allowPlainHTTP", sets: \.allowsPlainHTTP, format: .flag,
            meaning: "`true`: `http://` to another machine is allowed; the token and subscriber numbers are then sent unencrypted"),
        SettingKey(
            "api.registerID", sets: \.engine.rules.registerID, format: .optional(.text("the merchant's id")),
            meaning: "`RegisterID` of jobs without one"),
        SettingKey(
            "api.requestTimeout", sets: \.bos.requestTimeout, format: .duration(.milliseconds(100) ... .seconds(450)),
            meaning: "how long one request may take, from its start to the end of the answer"),
        SettingKey(
            "api.connectTimeout", sets: \.bos.connectTimeout, format: .duration(.milliseconds(100) ... .seconds(120)),
            meaning: "how long connecting to the API may take; a request without a connection was certainly not sent"),
        SettingKey(
            "api.ratePerSecond", sets: \.ratePerSecond, format: .optional(.integer(1...100_000)),
            meaning: "the most calls of all kinds per second; a tenth of them is reserved for questions"),
        SettingKey(
            "api.paths.recharge", sets: \.bos.endpoints.recharge, format: .text("a path segment"),
            meaning: "last path segment of a recharge"),
        SettingKey(
            "api.paths.enquiry", sets: \.bos.endpoints.enquiry, format: .text("a path segment"),
            meaning: "last path segment of an enquiry about a recharge"),
        SettingKey(
            "api.paths.panStatus", sets: \.bos.endpoints.panStatus, format: .text("a path segment"),
            meaning: "last path segment of a PAN status check"),
        SettingKey(
            "api.acceptedCodes", sets: \.bos.codes.accepted, format: .list(.integer(-99999...99999)),
            meaning: "response codes for \"taken, not finished\" (assumed)"),
        SettingKey(
            "api.pendingPatterns", sets: \.bos.codes.pendingPatterns, format: .list(.text("a phrase of a message")),
            meaning: "phrases at the start of a word; a message with one of them means the same, even if the code says done (assumed)"),
        SettingKey(
            "api.failingPatterns", sets: \.bos.codes.failingPatterns, format: .list(.text("a phrase of a message")),
            meaning: "phrases at the start of a word; a success whose message has one of them is a doubt (assumed)"),
        SettingKey(
            "api.finalCodes", sets: \.bos.codes.finalRefusals, format: .list(.integer(-99999...99999)),
            meaning: "response codes of refusals that are believed without an enquiry"),
        SettingKey(
            "api.postponedCodes", sets: \.bos.codes.postponed, format: .list(.integer(-99999...99999)),
            meaning: "response codes for \"not taken, not now\"; jobs wait"),
        SettingKey(
            "api.postponedPatterns", sets: \.bos.codes.postponedPatterns, format: .list(.text("a part of a message")),
            meaning:
                "parts of a message that mean the same, in an answer that refuses (status false or HTTP 4xx) and does not say that the job was taken (assumed)"
        ),
        SettingKey(
            "api.formerly", sets: \.engine.policy.formerDestinations, format: .list(.text("an API and account")),
            meaning: "earlier names of the same API and account; the worker enquires here about doubts from before a move"),
        SettingKey(
            "api.enquiry.by", sets: \.engine.enquiresBy, format: .choice,
            meaning:
                "the number that names a recharge in an enquiry: `referenceid`, or `refid`, BOS's own number, where an answer of BOS gave one"
        ),
        SettingKey(
            "api.enquiry.fields.registerID", sets: \.bos.enquiry.registrationField, format: .text("a member name"),
            meaning: "the member of an enquiry that holds the merchant's id (assumed)"),
        SettingKey(
            "api.enquiry.fields.reference", sets: \.bos.enquiry.referenceField, format: .text("a member name"),
            meaning: "the member of an enquiry that holds the reference (assumed)"),
        SettingKey(
            "api.enquiry.succeededWords", sets: \.bos.enquiry.succeededWords, format: .list(.text("a value of data.status")),
            meaning: "values of `data.status` for \"done\" (assumed)"),
        SettingKey(
            "api.enquiry.failedWords", sets: \.bos.enquiry.failedWords, format: .list(.text("a value of data.status")),
            meaning: "values of `data.status` for \"not done\" (assumed)"),
        SettingKey(
            "api.enquiry.pendingWords", sets: \.bos.enquiry.pendingWords, format: .list(.text("a value of data.status")),
            meaning: "values of `data.status` for \"not finished\" (assumed)"),
        SettingKey(
            "api.enquiry.refundedWords", sets: \.bos.enquiry.refundedWords, format: .list(.text("a value of data.refunded")),
            meaning: "values of `data.refunded` for \"the money went back\" (assumed)"),
        SettingKey(
            "api.enquiry.notRefundedWords", sets: \.bos.enquiry.notRefundedWords, format: .list(.text("a value of data.refunded")),
            meaning: "values of `data.refunded` for \"the money did not go back\"; any other value decides nothing (assumed)"),
        SettingKey(
            "api.enquiry.failedCodes", sets: \.bos.enquiry.failedCodes, format: .list(.integer(-99999...99999)),
            meaning: "response codes that say, with status false, that the recharge failed; any other code may be about the enquiry itself"),
        SettingKey(
            "api.enquiry.failedPatterns", sets: \.bos.enquiry.failedPatterns, format: .list(.text("a part of a message")),
            meaning: "parts of a message that say the same (assumed)"),
        SettingKey(
            "api.enquiry.notFoundPatterns", sets: \.bos.enquiry.notFoundPatterns, format: .list(.text("a part of a message")),
            meaning: "parts of a message that say that BOS does not know the reference (assumed)"),
    ]

    private static let auth: [SettingKey] = [
        SettingKey("auth.mode", sets: \.authMode, format: .choice, meaning: "where the bearer token comes from"),
        SettingKey(
            "auth.tokenFile", sets: \.tokenFile, format: .optional(.path),
            meaning: "for `file`: the file with the token; it is read again when it changes"),
        SettingKey("auth.url", sets: \.authorise.url, format: .webURL, meaning: "for `authorise`: the call that returns tokens"),
        SettingKey("auth.clientID", sets: \.authorise.clientID, format: .text("the client id"), meaning: "for `authorise`: the client id"),
        SettingKey(
            "auth.clientSecret", sets: \.authorise.clientSecret, format: .secret("the client secret"), isSecret: true,
            meaning: "for `authorise`: the client secret"),
        SettingKey(
            "auth.publicKeyFile", sets: \.authorise.publicKeyFile, format: .optional(.path),
            meaning: "for `authorise` without a fixed IP address: the public key that signs each call (PEM)"),
        SettingKey(
            "auth.headers.clientID", sets: \.authorise.clientIDHeader, format: .headerName, meaning: "header of the client id (assumed)"),
        SettingKey(
            "auth.headers.clientSecret", sets: \.authorise.clientSecretHeader, format: .headerName,
            meaning: "header of the client secret (assumed)"),
        SettingKey(
            "auth.headers.signature", sets: \.authorise.signatureHeader, format: .headerName, meaning: "header of the signature (assumed)"),
        SettingKey(
            "auth.tokenPath", sets: \.authorise.tokenPath, format: .text("member names with dots"),
            meaning: "where the answer holds the token (assumed)"),
        SettingKey(
            "auth.expiryPath", sets: \.authorise.expiryPath, format: .text("member names with dots"),
            meaning: "where the answer holds the expiry (assumed)"),
    ]

    private static let pan: [SettingKey] = [
        SettingKey(
            "pan.pendingPatterns", sets: \.bos.pan.pendingPatterns, format: .list(.text("a part of a message"), atLeast: 1),
            meaning: "parts of a message that mean \"not decided yet\"; an unknown message means the same (assumed)"),
        SettingKey(
            "pan.completedPatterns", sets: \.bos.pan.completedPatterns, format: .list(.text("a part of a message")),
            meaning: "parts of a message that mean \"completed\" (assumed)"),
        SettingKey(
            "pan.rejectedPatterns", sets: \.bos.pan.rejectedPatterns, format: .list(.text("a part of a message")),
            meaning: "parts of a message that mean \"rejected\" (assumed)"),
        SettingKey(
            "pan.failedCodes", sets: \.bos.pan.failedCodes, format: .list(.integer(-99999...99999)),
            meaning: "response codes that end an application"),
        SettingKey(
            "pan.nepKey", sets: \.bos.pan.nepKey, format: .optional(.secret("the merchant's key")), isSecret: true,
            meaning: "`nep_key` of jobs without one"),
        SettingKey(
            "pan.domain", sets: \.bos.pan.domain, format: .optional(.text("the merchant's domain")), meaning: "`domain` of jobs without one"
        ),
        SettingKey(
            "pan.partnerID", sets: \.bos.pan.partnerID, format: .optional(.text("the merchant's partner id")),
            meaning: "`partnerId` of jobs without one"),
        SettingKey(
            "pan.nepID", sets: \.bos.pan.nepID, format: .optional(.text("the merchant's id")), meaning: "`nep_id` of jobs without one"),
    ]

    private static let retry: [SettingKey] = [
        SettingKey(
            "retry.attempts", sets: \.engine.policy.attempts, format: .integer(1...100),
            meaning: "how often one delivery is tried while nothing was sent"),
        SettingKey(
            "retry.maximumFailures", sets: \.engine.policy.maximumFailures, format: .integer(1...100_000),
            meaning:
                "after so many failures in a row a recharge that was never sent is answered with `failed`, a question with `expired` (`gave_up`)"
        ),
        SettingKey(
            "retry.maximumAge", sets: \.engine.policy.maximumAge, format: .duration(.seconds(1) ... .seconds(365 * 86_400)),
            meaning: "a job that is older is answered in the same way"),
        SettingKey(
            "retry.initialBackoff", sets: \.engine.policy.send.initial, format: .duration(.milliseconds(1) ... .seconds(60)),
            meaning: "the pause before the second try; it doubles up to the maximum, with jitter"),
        SettingKey(
            "retry.maximumBackoff", sets: \.engine.policy.send.maximum, format: .duration(.milliseconds(1) ... .seconds(600)),
            meaning: "the longest pause between tries"),
        SettingKey(
            "retry.enquiry.initialBackoff", sets: \.engine.policy.enquiry.initial, format: .duration(.milliseconds(1) ... .seconds(600)),
            meaning: "the pause before the second enquiry about a recharge in doubt"),
        SettingKey(
            "retry.enquiry.maximumBackoff", sets: \.engine.policy.enquiry.maximum, format: .duration(.milliseconds(1) ... .seconds(86_400)),
            meaning: "the longest pause between enquiries"),
        SettingKey(
            "retry.settle.answers", sets: \.engine.policy.notFound.answers, format: .integer(1...1000),
            meaning: "how often BOS must answer \"not found\" before it counts"),
        SettingKey(
            "retry.settle.window", sets: \.engine.policy.notFound.window, format: .duration(.seconds(1) ... .seconds(86_400)),
            meaning:
                "the shortest time over which BOS must answer so; at least 1m longer than `api.requestTimeout`, unless the API is on this machine"
        ),
        SettingKey(
            "retry.settle.notFound", sets: \.engine.policy.notFound.meaning, format: .choice,
            meaning:
                "what \"not found\" means then: `person` leaves the doubt to a person; `believe` takes it as proof that nothing was executed, which only BOS can promise"
        ),
        SettingKey(
            "retry.settle.refusalWindow", sets: \.engine.policy.notFound.refusalWindow, format: .duration(.seconds(1) ... .seconds(86_400)),
            meaning: "the time over which a refused recharge must not be found, at least twice, before it is `failed`"),
        SettingKey(
            "retry.doubt.maximumAge", sets: \.engine.policy.doubtMaximumAge, format: .duration(.seconds(60) ... .seconds(365 * 86_400)),
            meaning: "an older doubt is parked for a person"),
    ]

    private static let breaker: [SettingKey] = [
        SettingKey(
            "breaker.window", sets: \.lane.breaker.window, format: .duration(.seconds(1) ... .seconds(600)),
            meaning: "the time over which calls to BOS are counted"),
        SettingKey(
            "breaker.minimumCalls", sets: \.lane.breaker.minimumCalls, format: .integer(1...10_000),
            meaning: "with fewer calls in the window the breaker does not open"),
        SettingKey(
            "breaker.failurePercent", sets: \.lane.breaker.failureShare, format: .percent(1...100),
            meaning: "from this share of failures on, nothing is sent and jobs stay in their queue"),
        SettingKey(
            "breaker.probeInterval", sets: \.lane.breaker.firstInterval, format: .duration(.milliseconds(100) ... .seconds(600)),
            meaning: "the pause before the first probe of BOS; it doubles up to the maximum"),
        SettingKey(
            "breaker.maximumProbeInterval", sets: \.lane.breaker.maximumInterval, format: .duration(.milliseconds(100) ... .seconds(3_600)),
            meaning: "the longest pause between probes"),
        SettingKey(
            "breaker.refusals.percent", sets: \.lane.refusals.share, format: .percent(0...100),
            meaning: "from this share of recharges refused with the same code on, one recharge at a time is tried; 0: never"),
        SettingKey(
            "breaker.refusals.minimumCalls", sets: \.lane.refusals.minimumCalls, format: .integer(2...10_000),
            meaning: "how many of the last recharges are counted"),
        SettingKey(
            "breaker.refusals.interval", sets: \.lane.refusals.interval, format: .duration(.milliseconds(100) ... .seconds(3_600)),
            meaning: "the pause between two such tries"),
    ]

    private static let poller: [SettingKey] = [
        SettingKey(
            "poller.interval", sets: \.poller.interval, format: .duration(.milliseconds(10) ... .seconds(3_600)),
            meaning: "how often the poller looks for due jobs"),
        SettingKey(
            "poller.queueLimit", sets: \.poller.queueLimit, format: .integer(1...1_000_000),
            meaning: "the most jobs of the ledger that wait in one queue at the same time"),
        SettingKey(
            "poller.pan.firstCheckAfter", sets: \.engine.policy.pan.firstCheckAfter,
            format: .duration(.seconds(1) ... .seconds(30 * 86_400)),
            meaning: "the time until the first check of a pending PAN application"),
        SettingKey(
            "poller.pan.maximumInterval", sets: \.engine.policy.pan.maximumInterval,
            format: .duration(.seconds(1) ... .seconds(30 * 86_400)),
            meaning: "the longest pause between checks"),
        SettingKey(
            "poller.pan.maximumAge", sets: \.engine.policy.pan.maximumAge, format: .duration(.seconds(1) ... .seconds(365 * 86_400)),
            meaning: "an application that is pending for longer is given up"),
    ]
}
