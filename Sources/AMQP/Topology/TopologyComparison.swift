/// How an item on the broker compares with the one that is expected.
package enum TopologyComparison: Sendable, Equatable {
    case same
    case missing
    /// It exists and differs in these arguments or properties.
    case different([ArgumentDifference])
    /// The broker does not tell, and why.
    case untold(String)
}

/// One argument or property in which an item differs.
package struct ArgumentDifference: Sendable, Equatable {
    /// `x-delivery-limit`, or a property such as `durable` and `type`.
    package var name: String
    /// As text; `nil` for none.
    package var expected: String?
    package var current: String?

    package init(_ name: String, expected: String?, current: String?) {
        self.name = name
        self.expected = expected
        self.current = current
    }

    /// Reads the broker's error about two declarations of one item, of which it names the first difference.
    ///
    /// Its form in RabbitMQ: `inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received the value '10' of type 'signedint' but current
    /// is none`, or `received '10' but current is '20'`.
    init?(_ text: String) {
        guard let match = text.firstMatch(of: /inequivalent arg '([^']+)' for .*: received (.+) but current is (.+)$/) else { return nil }
        self.init(String(match.1), expected: Self.value(match.2), current: Self.value(match.3))
    }

    private static func value(_ text: Substring) -> String? {
        guard text != "none" else { return nil }
        if let match = text.wholeMatch(of: /the value '(.*)' of type '\w+'/) { return String(match.1) }
        guard text.hasPrefix("'"), text.hasSuffix("'"), text.count >= 2 else { return String(text) }
        return String(text.dropFirst().dropLast())
    }
}

extension Connection {
    /// Compares an item with the one on the broker, argument by argument. It creates nothing: it declares the item only after it has seen that it
    /// exists, and the broker then compares.
    ///
    /// The broker names one difference at a time. So the item is declared again with the broker's own value, until there is no further difference.
    /// The comparison needs the right to configure the item.
    /// - Throws: why the broker could not be asked.
    package nonisolated func compare(_ item: TopologyItem) async throws(SessionError) -> TopologyComparison {
        guard item.lookupForm != nil else { return .untold("AMQP does not show bindings") }
        do throws(SessionError) {
            try await check(item)
        } catch {
            switch error {
            case .topologyMissing, .markerMissing: return .missing
            case .topologyMismatch, .topologyRefused, .locked, .closedByBroker: return .untold("\(error)")
            default: throw error
            }
        }
        return try await differences(of: item)
    }

    private nonisolated func differences(of item: TopologyItem) async throws(SessionError) -> TopologyComparison {
        var (asked, found): (TopologyItem, [ArgumentDifference]) = (item, [])
        while true {
            do throws(SessionError) {
                try await declare(asked)
                return found.isEmpty ? .same : .different(found)
            } catch {
                switch error {
                case .topologyMismatch(_, let text):
                    guard let difference = ArgumentDifference(text), !found.contains(where: { $0.name == difference.name }) else {
                        return found.isEmpty ? .untold(text) : .different(found)
                    }
                    found.append(difference)
                    asked = asked.changing(difference.name, to: difference.current)
                case .topologyRefused(_, _, let text): return found.isEmpty ? .untold(text) : .different(found)
                default: throw error
                }
            }
        }
    }
}

extension TopologyItem {
    /// The item with another value of one argument or property. A number keeps its type where the text is one.
    fileprivate func changing(_ name: String, to text: String?) -> TopologyItem {
        func changed(_ arguments: [String: FieldValue]) -> [String: FieldValue] {
            var result = arguments
            result[name] = text.map { text in
                if case .string? = arguments[name] { return .string(text) }
                return Int64(text).map { .int($0) } ?? Bool(text).map { .bool($0) } ?? .string(text)
            }
            return result
        }
        switch self {
        case .exchange(let exchange, let kind, let durable, let arguments):
            switch name {
            case "type": return .exchange(name: exchange, kind: text ?? kind, durable: durable, arguments: arguments)
            case "durable": return .exchange(name: exchange, kind: kind, durable: text == "true", arguments: arguments)
            default: return .exchange(name: exchange, kind: kind, durable: durable, arguments: changed(arguments))
            }
        case .queue(let queue, let durable, let arguments):
            guard name == "durable" else { return .queue(name: queue, durable: durable, arguments: changed(arguments)) }
            return .queue(name: queue, durable: text == "true", arguments: arguments)
        case .binding, .exclusiveQueue, .marker: return self
        }
    }
}
