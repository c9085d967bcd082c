import AMQP
import ExactJSON

/// The topology on the broker beside the one that the programs expect.
struct TopologyReport: Report {
    /// One exchange, queue or binding.
    struct Row {
        let item: TopologyItem
        let comparison: TopologyComparison
    }

    let rows: [Row]
    /// What else a person should know, one sentence each.
    let remarks: [String]

    /// What `topology apply` would create. Queues and exchanges come before the bindings between them.
    var creatable: [TopologyItem] { rows.filter { $0.comparison == .missing }.map(\.item) }
    var differing: Int { rows.count { if case .different = $0.comparison { true } else { false } } }
    private var untold: Int { rows.count { if case .untold = $0.comparison { true } else { false } } }
    /// Whether everything is as the programs expect it, as far as the broker tells.
    var isRight: Bool { creatable.isEmpty && differing == 0 }

    var lines: [String] {
        var table = TextTable(["object", "state", "detail"])
        for row in rows {
            switch row.comparison {
            case .same: table.add([row.item.shortLabel, "ok", ""])
            case .missing: table.add([row.item.shortLabel, "missing", "bosctl topology apply creates it"])
            case .untold(let reason): table.add([row.item.shortLabel, "not told", reason])
            case .different(let differences):
                for difference in differences { table.add([row.item.shortLabel, "differs", difference.humanDescription]) }
            }
        }
        // The last cell is often empty.
        return table.lines.map { $0.withoutTrailingSpaces } + remarks.map(\.printable) + [total] + advice
    }

    private var total: String {
        let counts = [
            (rows.count - creatable.count - differing - untold, "as expected"), (creatable.count, "missing"), (differing, "different"),
            (untold, "not told by the broker"),
        ]
        return counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }

    private var advice: [String] {
        guard differing > 0 else { return [] }
        return [
            "What differs cannot be changed in place, and is never deleted here: configure it as it is, or move",
            "its messages away, delete it and have it created: /usr/share/doc/bos-worker/operating.md#topology",
        ]
    }

    var json: [JSONValue] {
        rows.map { row in
            var members: [JSONValue.Member] = [.init("object", .string(row.item.label))]
            switch row.comparison {
            case .same: members.append(.init("state", .string("ok")))
            case .missing: members.append(.init("state", .string("missing")))
            case .untold(let reason): members += [.init("state", .string("not_told")), .init("detail", .string(reason))]
            case .different(let differences):
                members += [.init("state", .string("differs")), .init("arguments", .array(differences.map(\.json)))]
            }
            return .object(members)
        } + remarks.map { .object([.init("remark", .string($0))]) }
    }
}

extension TopologyItem {
    /// The label, short enough for a table.
    var shortLabel: String {
        guard case .binding(let queue, let exchange, let key) = self else { return label }
        return key.isEmpty ? "binding \(exchange) → \(queue)" : "binding \(exchange) → \(queue) (\(key))"
    }
}

extension ArgumentDifference {
    var humanDescription: String { "\(name): expected \(expected ?? "none"), is \(current ?? "none")" }

    fileprivate var json: JSONValue {
        .object([
            .init("name", .string(name)), .init("expected", expected.map { .string($0) } ?? .null),
            .init("current", current.map { .string($0) } ?? .null),
        ])
    }
}
