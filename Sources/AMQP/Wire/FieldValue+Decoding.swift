internal import CRabbitMQ

// The values that the C library has decoded lie in its pools, which the next frame overwrites. So everything is copied here.

extension String {
    /// Replaces bytes that are not UTF-8, because AMQP promises no encoding.
    init(_ bytes: amqp_bytes_t) {
        self = String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }

    /// `nil` for bytes that are not UTF-8.
    init?(validating bytes: amqp_bytes_t) {
        self.init(validating: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}

extension [UInt8] {
    init(_ bytes: amqp_bytes_t) {
        self.init(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
    }
}

extension FieldValue {
    static func table(_ source: amqp_table_t, depth: Int) -> [String: FieldValue] {
        var result: [String: FieldValue] = [:]
        for entry in UnsafeBufferPointer(start: source.entries, count: Int(source.num_entries)) {
            result[String(entry.key)] = FieldValue(entry.value, depth: depth)
        }
        return result
    }

    private init(_ source: amqp_field_value_t, depth: Int) {
        let value = source.value
        switch amqp_field_value_kind_t(UInt32(source.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: self = .bool(value.boolean != 0)
        case AMQP_FIELD_KIND_I8: self = .int(Int64(value.i8))
        case AMQP_FIELD_KIND_U8: self = .int(Int64(value.u8))
        case AMQP_FIELD_KIND_I16: self = .int(Int64(value.i16))
        case AMQP_FIELD_KIND_U16: self = .int(Int64(value.u16))
        case AMQP_FIELD_KIND_I32: self = .int(Int64(value.i32))
        case AMQP_FIELD_KIND_U32: self = .int(Int64(value.u32))
        case AMQP_FIELD_KIND_I64: self = .int(value.i64)
        case AMQP_FIELD_KIND_U64: self = Int64(exactly: value.u64).map { .int($0) } ?? .double(Double(value.u64))
        case AMQP_FIELD_KIND_F32: self = .double(Double(value.f32))
        case AMQP_FIELD_KIND_F64: self = .double(value.f64)
        case AMQP_FIELD_KIND_DECIMAL: self = .decimal(scale: value.decimal.decimals, value: value.decimal.value)
        case AMQP_FIELD_KIND_UTF8: self = String(validating: value.bytes).map { .string($0) } ?? .bytes([UInt8](value.bytes))
        case AMQP_FIELD_KIND_BYTES: self = .bytes([UInt8](value.bytes))
        case AMQP_FIELD_KIND_TIMESTAMP: self = .timestamp(value.u64)
        case AMQP_FIELD_KIND_ARRAY where depth < Self.maximumDepth:
            let entries = UnsafeBufferPointer(start: value.array.entries, count: Int(value.array.num_entries))
            self = .array(entries.map { FieldValue($0, depth: depth + 1) })
        case AMQP_FIELD_KIND_TABLE where depth < Self.maximumDepth: self = .table(Self.table(value.table, depth: depth + 1))
        default: self = .null
        }
    }
}
