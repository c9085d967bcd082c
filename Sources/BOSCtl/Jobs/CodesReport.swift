import BOSClient
import ExactJSON
import JobModel
import Ledger

/// The answers of BOS, as a table for operators or as JSON for programs.
struct CodesReport: Report {
    private let codes: [CodeCount]
    private let meanings: Meanings
    private let now: Timestamp

    /// The codes whose meaning the configuration gives.
    struct Meanings {
        var codes = BOSConfiguration.ResponseCodes()
        /// `api.enquiry.failedCodes`
        var enquiryFailed: [Int] = []
        /// `pan.failedCodes`
        var panFailed: [Int] = []
    }

    init(_ codes: [CodeCount], meanings: Meanings, now: Timestamp) {
        self.codes = codes
        self.meanings = meanings
        self.now = now
    }

    var lines: [String] {
        guard !codes.isEmpty else { return ["BOS has given no answers other than plain successes."] }
        var table = TextTable(["call", "HTTP", "code", "status", "seen", "last", "found afterwards", "setting", "message"])
        for code in codes { table.add(cells(code)) }
        return table.lines
    }

    private func cells(_ code: CodeCount) -> [String] {
        guard let name = code.name else {
            return [
                "others", "", "", "", "\(code.timesSeen)", ago(code), found(code), "", "more than \(CodeCount.maximum) different answers",
            ]
        }
        return [
            name.endpoint.humanDescription, "\(name.httpStatus)", name.responseCode.map(String.init) ?? "-",
            name.status.map { "\($0)" } ?? "-",
            "\(code.timesSeen)", ago(code), found(code), setting(name), code.message,
        ]
    }

    private func ago(_ code: CodeCount) -> String { "\(TimeText.span(now - code.lastSeen)) ago" }

    private func found(_ code: CodeCount) -> String {
        guard code.name == nil || code.name?.endpoint == .recharge else { return "-" }
        let counts = [("succeeded", code.succeeded), ("failed", code.failed), ("not found", code.notFound), ("open", code.open)]
        let text = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
        return text.isEmpty ? "-" : text
    }

    var json: [JSONValue] {
        codes.map { code in
            func number(_ value: Int?) -> JSONValue { value.map { .number(String($0)) } ?? .null }
            let afterwards: [JSONValue.Member] = [
                .init("succeeded", number(code.succeeded)), .init("failed", number(code.failed)), .init("not_found", number(code.notFound)),
                .init("open", number(code.open)),
            ]
            let members: [JSONValue.Member] = [
                .init("endpoint", code.name.map { .string($0.endpoint.rawValue) } ?? .null),
                .init("http_status", number(code.name?.httpStatus)), .init("response_code", number(code.name?.responseCode)),
                .init("status", code.name?.status.map { .bool($0) } ?? .null), .init("seen", number(code.timesSeen)),
                .init("first_seen", .string(code.firstSeen.rfc3339)), .init("last_seen", .string(code.lastSeen.rfc3339)),
                .init("message", .string(code.message)), .init("afterwards", .object(afterwards)),
                .init("setting", code.name.map { .string(setting($0)) } ?? .null),
            ]
            return .object(members)
        }
    }
}

extension CodeCount {
    /// How many recharges got this answer and have no known end. One recharge may get several answers before it ends, hence the lower bound.
    fileprivate var open: Int { name?.endpoint == .recharge ? max(0, timesSeen - succeeded - failed - notFound) : 0 }
}

extension CodeSighting.Endpoint {
    var humanDescription: String {
        switch self {
        case .recharge: "DoRecharge"
        case .enquiry: "RechargesStatus"
        case .panStatus: "Status (PAN)"
        }
    }
}

// MARK: - Settings

extension CodesReport {
    /// The setting that holds the code, or those that could.
    private func setting(_ name: CodeSighting.Name) -> String {
        guard let code = name.responseCode else { return withoutCode(name) }
        if meanings.codes.credentialsRefused.contains(code) { return "fixed: our credentials are refused" }
        switch name.endpoint {
        case .recharge: return recharge(code, status: name.status)
        case .enquiry: return enquiry(code, status: name.status)
        case .panStatus: return panStatus(code, status: name.status)
        }
    }

    private func withoutCode(_ name: CodeSighting.Name) -> String {
        if name.httpStatus == 401, name.status == nil { return "fixed: our credentials are refused" }
        switch name.endpoint {
        case .recharge: return "none: in doubt until an enquiry finds it"
        case .enquiry: return "none: the text decides (api.enquiry patterns)"
        case .panStatus: return "none: the text decides (pan patterns)"
        }
    }

    private func recharge(_ code: Int, status: Bool?) -> String {
        if code == meanings.codes.done, status == true { return "fixed: done" }
        if code == meanings.codes.duplicateReference { return "fixed: the reference was used before" }
        let lists = meanings.codes.lists
        if let list = lists.first(where: { $0.codes.contains(code) }) { return list.key }
        return "none: counts as refused until an enquiry decides; could be \(lists.map(\.key).joined(separator: " or "))"
    }

    private func enquiry(_ code: Int, status: Bool?) -> String {
        if meanings.enquiryFailed.contains(code) { return "api.enquiry.failedCodes" }
        if let list = meanings.codes.lists.first(where: { $0.meaning == .accepted && $0.codes.contains(code) }) { return list.key }
        if status == true { return "fixed: the question is answered" }
        return "none: the text decides; could be api.enquiry.failedCodes"
    }

    private func panStatus(_ code: Int, status: Bool?) -> String {
        if meanings.panFailed.contains(code) { return "pan.failedCodes" }
        return status == true ? "fixed: the text decides" : "none: counts as pending; could be pan.failedCodes"
    }
}
