import AMQP
import BOSClient
import JobEngine
import JobModel
import Observability

extension SettingKey {
    /// Every key there is, in the order in which the documentation shows them.
    package static let all: [SettingKey] =
        amqp + jobs + api + auth + pan + retry + breaker + [
            SettingKey(
                "ledger.url", \.ledgerPath, .ledgerURL, isSecret: true,
                "where jobs are recorded; `$STATE_DIRECTORY/ledger.sqlite` when systemd sets that variable")
        ] + poller + [
            SettingKey(
                "http.listen", \.http, .listenAddress, "where health, metrics and status are served; the poller's default port is 9465"),
            SettingKey("log.level", \.log.level, .choice, "lines below this level are not written"),
            SettingKey("log.format", \.log.format, .choice, "`auto`: `human` on a terminal, else `json`, one object a line"),
            SettingKey(
                "shutdown.drainTimeout", \.drainTimeout, .duration(.zero ... .seconds(3600)),
                "how long jobs in flight may take to finish; below `TimeoutStopSec=` of the systemd unit"),
        ]

    private static let amqp: [SettingKey] = [
        SettingKey(
            "amqp.urls", \.brokerURLs, .list(.secret("an amqp:// or amqps:// URL", where: isBrokerURL), atLeast: 1), isSecret: true,
            "brokers, tried in turn; `amqps://` for TLS"),
        SettingKey(
            "amqp.heartbeat", \.broker.heartbeat, .wholeSeconds(.seconds(1) ... .seconds(600)),
            "a broker silent for twice this long counts as gone"),
        SettingKey(
            "amqp.connectTimeout", \.broker.connectTimeout, .duration(.milliseconds(100) ... .seconds(120)),
            "for one attempt to reach a broker"),
        SettingKey(
            "amqp.declareTopology", \.topology.isDeclared, .flag,
            "`false`: exchanges and queues are only checked, but for the worker's two"),
        SettingKey("amqp.queueType", \.topology.queueType, .choice, "how the durable queues are kept"),
        SettingKey("amqp.exchanges.jobs", \.topology.exchanges.jobs, .brokerName, "where jobs enter"),
        SettingKey("amqp.exchanges.replies", \.topology.exchanges.replies, .brokerName, "where every reply is published"),
        SettingKey("amqp.exchanges.unrouted", \.topology.exchanges.unrouted, .brokerName, "takes replies that no queue is bound for"),
        SettingKey("amqp.exchanges.dead", \.topology.exchanges.dead, .brokerName, "takes messages that could not be understood"),
        SettingKey("amqp.queues.recharge", \.topology.queues.recharge, .brokerName, "jobs that move money"),
        SettingKey("amqp.queues.status", \.topology.queues.status, .brokerName, "questions"),
        SettingKey("amqp.queues.unrouted", \.topology.queues.unrouted, .brokerName, "keeps replies that no queue is bound for"),
        SettingKey("amqp.queues.dead", \.topology.queues.dead, .brokerName, "keeps messages that could not be understood"),
        SettingKey("amqp.queues.lock", \.topology.queues.lock, .brokerName, "held by the one worker of a SQLite ledger"),
        SettingKey("amqp.queues.ledger", \.topology.queues.ledger, .brokerName, "carries nothing; names the ledger of this virtual host"),
        SettingKey("amqp.tls.caFile", \.broker.tls.caFile, .path, "certificate authorities for `amqps://` (PEM)"),
        SettingKey("amqp.tls.certificateFile", \.broker.tls.certificateFile, .optional(.path), "client certificate (PEM)"),
        SettingKey("amqp.tls.keyFile", \.broker.tls.keyFile, .optional(.path), "key of the client certificate (PEM)"),
    ]

    private static let jobs: [SettingKey] = [
        SettingKey("jobs.recharge.concurrency", \.lane.limit.maximum, .integer(1...4096), "recharges in flight; also the prefetch"),
        SettingKey("jobs.status.concurrency", \.statusConcurrency, .integer(1...4096), "questions in flight; also the prefetch"),
        SettingKey(
            "jobs.minimumConcurrency", \.lane.limit.minimum, .integer(1...10_000),
            "jobs in flight that each queue is always allowed, however slow BOS is"),
        SettingKey(
            "jobs.timeout", \.engine.deliveryTimeout, .duration(.seconds(1) ... .seconds(900)),
            "a delivery is never held longer; what needs more waits in the ledger; at least twice `api.requestTimeout`"),
        SettingKey(
            "jobs.maximumAmount", \.engine.rules.maximumAmount, .rupees(1...100_000_000_000),
            "rupees; a recharge of more is refused (the default is an assumption)"),
        SettingKey(
            "jobs.recharge.duplicateWindow", \.duplicateWindow, .optional(.duration(.seconds(1) ... .seconds(7 * 86_400))),
            "the same subscriber, operator and amount under a new reference within this time is not sent; from when it is set"),
        SettingKey(
            "jobs.recharge.duplicateAction", \.duplicateAction, .choice,
            "what becomes of it: `refuse`, or `park` for a person (`bosctl doubts`)"),
    ]

    private static let api: [SettingKey] = [
        SettingKey("api.baseURL", \.bos.baseURL, .webURL, "the BOS API"),
        SettingKey(
            "api.allowPlainHTTP", \.allowsPlainHTTP, .flag,
            "`true`: `http://` to another machine is allowed, and the token and subscriber numbers go in the clear"),
        SettingKey(
            "api.registerID", \.engine.rules.registerID, .optional(.text("the merchant's id")), "`RegisterID` of jobs that bring none"),
        SettingKey(
            "api.requestTimeout", \.bos.requestTimeout, .duration(.milliseconds(100) ... .seconds(450)),
            "for one request, from its start to the end of the answer"),
        SettingKey(
            "api.connectTimeout", \.bos.connectTimeout, .duration(.milliseconds(100) ... .seconds(120)),
            "for reaching the API; what fails here was certainly not sent"),
        SettingKey(
            "api.ratePerSecond", \.ratePerSecond, .optional(.integer(1...100_000)),
            "calls of all kinds per second at the most; a tenth is kept for questions"),
        SettingKey("api.paths.recharge", \.bos.endpoints.recharge, .text("a path segment"), "last path segment of a recharge"),
        SettingKey(
            "api.paths.enquiry", \.bos.endpoints.enquiry, .text("a path segment"), "last path segment of an enquiry about a recharge"),
        SettingKey("api.paths.panStatus", \.bos.endpoints.panStatus, .text("a path segment"), "last path segment of a PAN status check"),
        SettingKey(
            "api.acceptedCodes", \.bos.codes.accepted, .list(.integer(-99999...99999)),
            "response codes for \"taken, not finished\" (assumed)"),
        SettingKey(
            "api.pendingPatterns", \.bos.codes.pendingPatterns, .list(.text("a phrase of a message")),
            "a message with one of these, at the start of a word, means the same although the code says done (assumed)"),
        SettingKey(
            "api.failingPatterns", \.bos.codes.failingPatterns, .list(.text("a phrase of a message")),
            "a success whose message has one of these, at the start of a word, is a doubt (assumed)"),
        SettingKey(
            "api.finalCodes", \.bos.codes.finalRefusals, .list(.integer(-99999...99999)),
            "response codes of a refusal that is believed without an enquiry"),
        SettingKey(
            "api.postponedCodes", \.bos.codes.postponed, .list(.integer(-99999...99999)),
            "response codes for \"not taken, not now\": jobs wait"),
        SettingKey(
            "api.postponedPatterns", \.bos.codes.postponedPatterns, .list(.text("a part of a message")),
            "a message with one of these means the same in an answer that refuses (status false or HTTP 4xx) and has no word of being taken (assumed)"
        ),
        SettingKey(
            "api.formerly", \.engine.policy.formerDestinations, .list(.text("an API and account")),
            "earlier names of the same API and account, so that doubts from before a move are asked about here"),
        SettingKey(
            "api.enquiry.by", \.engine.enquiresBy, .choice,
            "the name a recharge is asked for by: `referenceid`, or `refid`, BOS's own number where its answer gave one"),
        SettingKey(
            "api.enquiry.fields.registerID", \.bos.enquiry.registrationField, .text("a member name"),
            "how an enquiry spells the merchant's id (assumed)"),
        SettingKey(
            "api.enquiry.fields.reference", \.bos.enquiry.referenceField, .text("a member name"),
            "how an enquiry spells the reference (assumed)"),
        SettingKey(
            "api.enquiry.succeededWords", \.bos.enquiry.succeededWords, .list(.text("a value of data.status")),
            "values of `data.status` for \"done\" (assumed)"),
        SettingKey(
            "api.enquiry.failedWords", \.bos.enquiry.failedWords, .list(.text("a value of data.status")),
            "values of `data.status` for \"not done\" (assumed)"),
        SettingKey(
            "api.enquiry.pendingWords", \.bos.enquiry.pendingWords, .list(.text("a value of data.status")),
            "values of `data.status` for \"not finished\" (assumed)"),
        SettingKey(
            "api.enquiry.refundedWords", \.bos.enquiry.refundedWords, .list(.text("a value of data.refunded")),
            "values of `data.refunded` for \"the money went back\" (assumed)"),
        SettingKey(
            "api.enquiry.notRefundedWords", \.bos.enquiry.notRefundedWords, .list(.text("a value of data.refunded")),
            "values of `data.refunded` for \"it did not\"; any other decides nothing (assumed)"),
        SettingKey(
            "api.enquiry.failedCodes", \.bos.enquiry.failedCodes, .list(.integer(-99999...99999)),
            "response codes that say, with status false, that the recharge failed; any other may be meant for the question"),
        SettingKey(
            "api.enquiry.failedPatterns", \.bos.enquiry.failedPatterns, .list(.text("a part of a message")),
            "a message with one of these says the same (assumed)"),
        SettingKey(
            "api.enquiry.notFoundPatterns", \.bos.enquiry.notFoundPatterns, .list(.text("a part of a message")),
            "a message with one of these means that BOS does not know the reference (assumed)"),
    ]

    private static let auth: [SettingKey] = [
        SettingKey("auth.mode", \.authMode, .choice, "where the bearer token comes from"),
        SettingKey("auth.tokenFile", \.tokenFile, .optional(.path), "for `file`: holds the token; read again when it changes"),
        SettingKey("auth.url", \.authorise.url, .webURL, "for `authorise`: the call that hands out tokens"),
        SettingKey("auth.clientID", \.authorise.clientID, .text("the client id"), "for `authorise`"),
        SettingKey("auth.clientSecret", \.authorise.clientSecret, .secret("the client secret"), isSecret: true, "for `authorise`"),
        SettingKey(
            "auth.publicKeyFile", \.authorise.publicKeyFile, .optional(.path),
            "for `authorise` without a fixed IP address: signs each call (PEM)"),
        SettingKey("auth.headers.clientID", \.authorise.clientIDHeader, .headerName, "header of the client id (assumed)"),
        SettingKey("auth.headers.clientSecret", \.authorise.clientSecretHeader, .headerName, "header of the client secret (assumed)"),
        SettingKey("auth.headers.signature", \.authorise.signatureHeader, .headerName, "header of the signature (assumed)"),
        SettingKey("auth.tokenPath", \.authorise.tokenPath, .text("member names with dots"), "where the answer holds the token (assumed)"),
        SettingKey("auth.expiryPath", \.authorise.expiryPath, .text("member names with dots"), "where it holds the expiry (assumed)"),
    ]

    private static let pan: [SettingKey] = [
        SettingKey(
            "pan.pendingPatterns", \.bos.pan.pendingPatterns, .list(.text("a part of a message"), atLeast: 1),
            "a message with one of these means \"not decided yet\", as does one of which nothing is known (assumed)"),
        SettingKey(
            "pan.completedPatterns", \.bos.pan.completedPatterns, .list(.text("a part of a message")),
            "a message with one of these means \"completed\" (assumed)"),
        SettingKey(
            "pan.rejectedPatterns", \.bos.pan.rejectedPatterns, .list(.text("a part of a message")),
            "a message with one of these means \"rejected\" (assumed)"),
        SettingKey(
            "pan.failedCodes", \.bos.pan.failedCodes, .list(.integer(-99999...99999)), "response codes that end an application"),
        SettingKey(
            "pan.nepKey", \.bos.pan.nepKey, .optional(.secret("the merchant's key")), isSecret: true,
            "`nep_key` of jobs that bring none"),
        SettingKey("pan.domain", \.bos.pan.domain, .optional(.text("the merchant's domain")), "`domain` of jobs that bring none"),
        SettingKey(
            "pan.partnerID", \.bos.pan.partnerID, .optional(.text("the merchant's partner id")), "`partnerId` of jobs that bring none"),
        SettingKey("pan.nepID", \.bos.pan.nepID, .optional(.text("the merchant's id")), "`nep_id` of jobs that bring none"),
    ]

    private static let retry: [SettingKey] = [
        SettingKey("retry.attempts", \.engine.policy.attempts, .integer(1...100), "tries of one delivery while nothing was sent"),
        SettingKey(
            "retry.maximumFailures", \.engine.policy.maximumFailures, .integer(1...100_000),
            "failures in a row after which a recharge that was never sent is answered with `failed`, a question with `expired` (`gave_up`)"),
        SettingKey(
            "retry.maximumAge", \.engine.policy.maximumAge, .duration(.seconds(1) ... .seconds(365 * 86_400)), "the same, by its age"),
        SettingKey(
            "retry.initialBackoff", \.engine.policy.send.initial, .duration(.milliseconds(1) ... .seconds(60)),
            "before the second try; doubles up to the maximum, with jitter"),
        SettingKey(
            "retry.maximumBackoff", \.engine.policy.send.maximum, .duration(.milliseconds(1) ... .seconds(600)),
            "longest pause between tries"),
        SettingKey(
            "retry.enquiry.initialBackoff", \.engine.policy.enquiry.initial, .duration(.milliseconds(1) ... .seconds(600)),
            "before the second enquiry about a doubtful recharge"),
        SettingKey(
            "retry.enquiry.maximumBackoff", \.engine.policy.enquiry.maximum, .duration(.milliseconds(1) ... .seconds(86_400)),
            "longest pause between enquiries"),
        SettingKey(
            "retry.settle.answers", \.engine.policy.settle.answers, .integer(1...1000),
            "how often \"not found\" must be heard before it is believed"),
        SettingKey(
            "retry.settle.window", \.engine.policy.settle.window, .duration(.seconds(1) ... .seconds(86_400)),
            "over which time at least; at least 1m longer than `api.requestTimeout`, unless the API is on this machine"),
        SettingKey(
            "retry.settle.notFound", \.engine.policy.settle.notFound, .choice,
            "what it means then: `person` leaves the doubt to a person; `believe` takes it for proof that nothing was executed, which only BOS can promise"
        ),
        SettingKey(
            "retry.settle.refusalWindow", \.engine.policy.settle.refusalWindow, .duration(.seconds(1) ... .seconds(86_400)),
            "over which time a refused recharge must not be found, at least twice, before it is `failed`"),
        SettingKey(
            "retry.doubt.maximumAge", \.engine.policy.doubtMaximumAge, .duration(.seconds(60) ... .seconds(365 * 86_400)),
            "an older doubt is parked for a person"),
    ]

    private static let breaker: [SettingKey] = [
        SettingKey(
            "breaker.window", \.lane.breaker.window, .duration(.seconds(1) ... .seconds(600)), "over which time calls to BOS are counted"),
        SettingKey(
            "breaker.minimumCalls", \.lane.breaker.minimumCalls, .integer(1...10_000), "below so many in the window nothing is concluded"),
        SettingKey(
            "breaker.failurePercent", \.lane.breaker.failureShare, .percent(1...100),
            "from this share of failures on nothing is sent, and jobs stay in their queue"),
        SettingKey(
            "breaker.probeInterval", \.lane.breaker.firstInterval, .duration(.milliseconds(100) ... .seconds(600)),
            "until BOS is asked whether it is well again; doubles up to the maximum"),
        SettingKey(
            "breaker.maximumProbeInterval", \.lane.breaker.maximumInterval, .duration(.milliseconds(100) ... .seconds(3_600)),
            "longest pause between such questions"),
        SettingKey(
            "breaker.refusals.percent", \.lane.refusals.share, .percent(0...100),
            "from this share of recharges refused with one and the same code on, one at a time is tried; 0: never"),
        SettingKey(
            "breaker.refusals.minimumCalls", \.lane.refusals.minimumCalls, .integer(2...10_000), "the last recharges that are looked at"),
        SettingKey(
            "breaker.refusals.interval", \.lane.refusals.interval, .duration(.milliseconds(100) ... .seconds(3_600)),
            "from one such try to the next"),
    ]

    private static let poller: [SettingKey] = [
        SettingKey(
            "poller.interval", \.poller.interval, .duration(.milliseconds(10) ... .seconds(3_600)), "how often due jobs are looked for"),
        SettingKey(
            "poller.queueLimit", \.poller.queueLimit, .integer(1...1_000_000), "jobs of the ledger that wait in one queue at the same time"),
        SettingKey(
            "poller.pan.firstCheckAfter", \.engine.policy.pan.firstCheckAfter, .duration(.seconds(1) ... .seconds(30 * 86_400)),
            "first check of a pending PAN application"),
        SettingKey(
            "poller.pan.maximumInterval", \.engine.policy.pan.maximumInterval, .duration(.seconds(1) ... .seconds(30 * 86_400)),
            "longest pause between checks"),
        SettingKey(
            "poller.pan.maximumAge", \.engine.policy.pan.maximumAge, .duration(.seconds(1) ... .seconds(365 * 86_400)),
            "an application pending for longer is given up"),
    ]
}
