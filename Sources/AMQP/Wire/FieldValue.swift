/// A value in a message's headers or a queue's arguments.
///
/// AMQP has integers and floating-point numbers of many widths. They are read into the widest type, and written in their 64-bit
/// forms, which every RabbitMQ understands.
package enum FieldValue: Sendable, Equatable {
    case bool(Bool)
    case int(Int64)
    case double(Double)
    /// `value` divided by ten to the power of `scale`.
    case decimal(scale: UInt8, value: UInt32)
    case string(String)
    case bytes([UInt8])
    /// Seconds since 1970.
    case timestamp(UInt64)
    case array([FieldValue])
    case table([String: FieldValue])
    case null

    /// The maximum nesting of arrays and tables. Deeper values are read as null: no real header needs them, and deeper nesting is an
    /// attack on the stack.
    static let maximumDepth = 32

    /// The size on the wire in bytes, including the byte for the type.
    var encodedSize: Int {
        switch self {
        case .null: 1
        case .bool: 2
        case .decimal: 6
        case .int, .double, .timestamp: 9
        case .string(let text): 5 + text.utf8.count
        case .bytes(let bytes): 5 + bytes.count
        case .array(let values): values.reduce(5) { $0 + $1.encodedSize }
        case .table(let table): 1 + Self.encodedSize(of: table)
        }
    }

    static func encodedSize(of table: [String: FieldValue]) -> Int {
        table.reduce(4) { $0 + 1 + $1.key.utf8.count + $1.value.encodedSize }
    }

    /// Whether every name in the table, at any depth, fits its length byte.
    static func hasFittingNames(_ table: [String: FieldValue]) -> Bool {
        table.allSatisfy { $0.key.utf8.count <= 255 && $0.value.hasFittingNames }
    }

    private var hasFittingNames: Bool {
        switch self {
        case .array(let values): values.allSatisfy(\.hasFittingNames)
        case .table(let table): Self.hasFittingNames(table)
        default: true
        }
    }
}
