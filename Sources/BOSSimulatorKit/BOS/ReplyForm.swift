internal import ExactJSON
private import Foundation

/// The form of answers. Source: bos-api.md#what-clients-show.
package enum ReplyShape: String, Sendable, CaseIterable {
    /// As the provider's own clients show its answers.
    case real
    /// As the provider's public page shows its answers.
    case page
    /// As the provider whose API is resold answers: HTTP 202 and code 0 for "accepted", a number in `data.status`, code 12 for "unknown".
    case upstream
}

/// The names by which an enquiry finds a recharge.
package enum EnquiryNames: String, Sendable, CaseIterable {
    /// The caller's reference, `referenceid`.
    case referenceid
    /// BOS's own number, the `refid` of `DoRecharge`'s answer.
    case refid
    case both
}

/// Writes answers in one of the shapes.
struct ReplyForm: Sendable {
    var shape = ReplyShape.real
    /// Whether `refid` is BOS's own number instead of the caller's reference.
    var hasOwnNumber = true
    /// Unix time of the simulator's start, in seconds.
    var startedAt = 0.0

    func refid(_ record: RechargeRecord) -> String { hasOwnNumber ? record.number : record.reference }

    /// The time of the execution, as BOS writes times.
    func dateAdded(_ record: RechargeRecord) -> String {
        Date(timeIntervalSince1970: startedAt + record.executedAt / .seconds(1)).formatted(
            .iso8601.year().month().day().dateSeparator(.dash).dateTimeSeparator(.space).time(includingFractionalSeconds: false))
    }
}

// MARK: DoRecharge

extension ReplyForm {
    var duplicate: SimulatorReply { SimulatorReply(200, status: false, code: 11, message: "Duplicate Transaction") }

    func recharged(_ record: RechargeRecord) -> SimulatorReply {
        answered(record, status: 200, code: 1, message: "Recharge of Amount \(Self.rupees(record.paise)) is successful")
    }

    func pending(_ record: RechargeRecord) -> SimulatorReply {
        switch shape {
        case .real: answered(record, status: 200, code: 2, message: "Transaction is pending")
        case .page: SimulatorReply(200, status: true, code: 2, message: "Transaction is pending")
        case .upstream: answered(record, status: 202, code: 0, message: "Transaction is accepted")
        }
    }

    /// - Parameter code: one that means "not finished".
    func accepted(_ record: RechargeRecord, code: Int) -> SimulatorReply {
        answered(record, status: 202, code: code, message: "Transaction is accepted")
    }

    private func answered(_ record: RechargeRecord, status httpStatus: Int, code: Int, message: String) -> SimulatorReply {
        switch shape {
        case .page:
            SimulatorReply(
                httpStatus, status: true, code: code,
                with: [.init("operatorid", .number(record.givenOperatorID)), .init("ackno", .string(record.acknowledgement))],
                message: message)
        case .real, .upstream:
            // The mobile operator has given no number yet.
            SimulatorReply(
                httpStatus, status: true, code: code,
                with: [
                    .init("operatorid", .string("0")), .init("ackno", .number(record.acknowledgement)),
                    .init("refid", .string(refid(record))),
                ], message: message)
        }
    }
}

// MARK: RechargesStatus

extension ReplyForm {
    var notFound: SimulatorReply {
        switch shape {
        case .real: SimulatorReply(200, status: false, code: 3, codeName: "responsecode", message: "No record found")
        case .page: SimulatorReply(401, status: false, code: 3, message: "No such transaction")
        case .upstream: SimulatorReply(200, status: false, code: 12, message: "No record found")
        }
    }

    /// `data.status` of a recharge.
    enum Status: String {
        case failed = "0"
        case succeeded = "1"
        case pending = "2"

        fileprivate var text: String {
            switch self {
            case .failed: "Failed"
            case .succeeded: "Success"
            case .pending: "Pending"
            }
        }
    }

    /// - Parameters:
    ///   - code: the outer code; by default the one that this shape shows beside the status.
    ///   - refid: by default the recharge's own.
    func found(_ record: RechargeRecord, as status: Status, code: Int? = nil, refid: String? = nil) -> SimulatorReply {
        let data = data(record, as: status, refid: refid ?? self.refid(record))
        switch shape {
        case .real: return SimulatorReply(200, status: true, code: code ?? 1, with: [.init("data", data)], message: "Transaction found")
        case .page, .upstream:
            return SimulatorReply(
                200, status: true, code: code ?? (status == .pending ? 2 : 1), codeName: shape == .page ? "responsecode" : "response_code",
                with: [.init("data", data)], message: "Transaction found")
        }
    }

    /// Answers the enquiry as found, without a recharge.
    /// - Parameter data: what takes the place of the recharge; `nil` to leave `data` out.
    func foundNothing(data: JSONValue?) -> SimulatorReply {
        SimulatorReply(200, status: true, code: 1, with: data.map { [.init("data", $0)] } ?? [], message: "Transaction found")
    }

    private func data(_ record: RechargeRecord, as status: Status, refid: String) -> JSONValue {
        let operatorID = status == .succeeded ? record.givenOperatorID : ""
        guard shape != .page else {
            return .object([
                .init("txnid", .string(record.acknowledgement)),
                .init("amount", .string(status == .succeeded ? Self.rupees(record.paise) : "0")),
                .init("status", .string(status.rawValue)), .init("refid", .string(refid)), .init("operatorid", .string(operatorID)),
                .init("refunded", .string("0")), .init("message", .string(status.text)),
            ])
        }
        return .object([
            .init("txnid", .string(record.acknowledgement)), .init("operatorname", .string("Operator \(record.operatorID)")),
            .init("canumber", .string(record.subscriber)), .init("amount", .string(Self.rupees(record.paise, decimals: true))),
            .init("comm", .string("0.00")), .init("tds", .string("0.00")),
            .init("status", shape == .real ? .string(status.rawValue) : .number(status.rawValue)), .init("refid", .string(refid)),
            .init("operatorid", .string(operatorID)), .init("dateadded", .string(dateAdded(record))),
        ])
    }

    /// - Parameter decimals: whether whole rupees are written with two decimals too.
    private static func rupees(_ paise: Int64, decimals: Bool = false) -> String {
        paise % 100 == 0 && !decimals ? "\(paise / 100)" : "\(paise / 100).\(paise % 100 < 10 ? "0" : "")\(paise % 100)"
    }
}
