import Crypto
import ExactJSON

/// The content of a reply. Source of every name: publishing.md#a-reply.
package struct Reply: Sendable, Equatable {
    /// `nil` if the message did not tell its kind.
    package var kind: JobKind?
    package var reference: String?
    package var verdict: Verdict
    package var attempts = 0
    package var enquiries = 0
    package var acceptedAt: Timestamp
    package var completedAt: Timestamp

    /// The reply to a job that the ledger knows.
    package init(to job: Job, verdict: Verdict, progress: Progress, acceptedAt: Timestamp, at now: Timestamp) {
        kind = job.kind
        reference = job.reference
        self.verdict = verdict
        attempts = progress.attempts
        enquiries = progress.enquiries
        self.acceptedAt = acceptedAt
        completedAt = now
    }

    /// The reply to a message that did not become a job.
    package init(refusing refusal: JobRefusal, at now: Timestamp) {
        kind = refusal.kind
        reference = refusal.reference
        verdict = Verdict(.refused, evidence: .none, code: refusal.code, detail: refusal.detail)
        acceptedAt = now
        completedAt = now
    }

    /// Stands for the kind in routing key and `type` of a reply without a kind.
    package static let unknownKind = "unknown"

    /// Whether no other reply follows.
    package var isFinal: Bool { kind.map(verdict.outcome.isFinal) ?? true }

    /// The reply as a message body.
    package var body: [UInt8] {
        let answer = verdict.answer
        let failure = verdict.failure.map { failure in
            JSONValue.object([.init("code", .string(failure.code.rawValue)), .init("detail", .string(failure.detail))])
        }
        return JSONValue.object([
            .init("version", .number("1")),
            .init("kind", .orNull(kind?.rawValue)),
            .init("reference", .orNull(reference)),
            .init("outcome", .string(verdict.outcome.rawValue)),
            .init("final", .bool(isFinal)),
            .init("operatorid", .orNull(answer?.operatorID)),
            .init("ackno", .orNull(answer?.acknowledgement)),
            .init("message", .orNull(answer?.message)),
            .init("error", failure ?? .null),
            .init("evidence", .string(verdict.evidence.rawValue)),
            .init("attempts", .number(String(attempts))),
            .init("enquiries", .number(String(enquiries))),
            .init("bos", answer.map(Self.facts) ?? .null),
            .init("accepted_at", .string(acceptedAt.rfc3339)),
            .init("completed_at", .string(completedAt.rfc3339)),
        ]).encoded
    }

    private static func facts(_ answer: Answer) -> JSONValue {
        .object([
            .init("http_status", .number(String(answer.httpStatus))),
            .init("response_code", answer.responseCode.map { .number(String($0)) } ?? .null),
            .init("status", answer.status.map { .bool($0) } ?? .null),
        ])
    }
}

extension JSONValue {
    fileprivate static func orNull(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}

/// The `message_id` of a reply. It is the same each time that the reply is published to the same recipient.
package enum ReplyID {
    /// - Parameter number: the number of the reply among those to the job, from 1.
    package static func make(kind: JobKind, reference: String, recipient: ReplyRecipient, number: Int) -> String {
        digest([kind.rawValue, reference, recipient.correlationID, recipient.replyTo ?? "", String(number)])
    }

    /// For a reply to a message that did not become a job. It is made from the whole message.
    package static func make(refusing incoming: IncomingJob, recipient: ReplyRecipient) -> String {
        digest([incoming.type ?? "", incoming.routingKey, recipient.correlationID, recipient.replyTo ?? ""], body: incoming.body)
    }

    /// The first 16 bytes of SHA-256 in hexadecimal. Each part is followed by a zero byte.
    private static func digest(_ parts: [String], body: [UInt8] = []) -> String {
        var message: [UInt8] = []
        for part in parts {
            message.append(contentsOf: part.utf8)
            message.append(0)
        }
        message.append(contentsOf: body)
        return String(unsafeUninitializedCapacity: 32) { text in
            for (index, byte) in SHA256.hash(data: message).prefix(16).enumerated() {
                text[2 * index] = hexDigit(byte >> 4)
                text[2 * index + 1] = hexDigit(byte & 15)
            }
            return 32
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }
}
