internal import CRabbitMQ

/// Memory for the texts, tables and arrays that one call of the C library points to. It is recycled right after the call.
final class Arena {
    private var pool = amqp_pool_t()

    init() {
        init_amqp_pool(&pool, 4096)
    }

    deinit {
        empty_amqp_pool(&pool)
    }

    /// Frees everything that was made. The results must not be used any more.
    func recycle() {
        recycle_amqp_pool(&pool)
    }

    func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    func bytes(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard let from = source.baseAddress, !source.isEmpty, let copy = amqp_pool_alloc(&pool, source.count) else { return amqp_bytes_t() }
        copy.copyMemory(from: from, byteCount: source.count)
        return amqp_bytes_t(len: source.count, bytes: copy)
    }

    func table(_ source: [String: FieldValue]) -> amqp_table_t {
        guard let entries = allocate(amqp_table_entry_t.self, count: source.count) else { return amqp_table_t() }
        for (index, (name, value)) in source.enumerated() {
            (entries + index).initialize(to: amqp_table_entry_t(key: bytes(name), value: field(value)))
        }
        return amqp_table_t(num_entries: Int32(source.count), entries: entries)
    }

    func properties(_ source: Properties) -> amqp_basic_properties_t {
        var result = amqp_basic_properties_t()
        set(\.content_type, to: source.contentType, flag: AMQP_BASIC_CONTENT_TYPE_FLAG, in: &result)
        set(\.content_encoding, to: source.contentEncoding, flag: AMQP_BASIC_CONTENT_ENCODING_FLAG, in: &result)
        set(\.correlation_id, to: source.correlationID, flag: AMQP_BASIC_CORRELATION_ID_FLAG, in: &result)
        set(\.reply_to, to: source.replyTo, flag: AMQP_BASIC_REPLY_TO_FLAG, in: &result)
        set(\.expiration, to: source.expiration, flag: AMQP_BASIC_EXPIRATION_FLAG, in: &result)
        set(\.message_id, to: source.messageID, flag: AMQP_BASIC_MESSAGE_ID_FLAG, in: &result)
        set(\.type, to: source.type, flag: AMQP_BASIC_TYPE_FLAG, in: &result)
        set(\.app_id, to: source.appID, flag: AMQP_BASIC_APP_ID_FLAG, in: &result)
        result._flags |= UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG)
        result.delivery_mode = source.deliveryMode.rawValue
        if let priority = source.priority {
            result._flags |= UInt32(AMQP_BASIC_PRIORITY_FLAG)
            result.priority = priority
        }
        if let timestamp = source.timestamp {
            result._flags |= UInt32(AMQP_BASIC_TIMESTAMP_FLAG)
            result.timestamp = timestamp
        }
        if !source.headers.isEmpty {
            result._flags |= UInt32(AMQP_BASIC_HEADERS_FLAG)
            result.headers = table(source.headers)
        }
        return result
    }

    private func set(
        _ field: WritableKeyPath<amqp_basic_properties_t, amqp_bytes_t>, to text: String?, flag: Int32,
        in properties: inout amqp_basic_properties_t
    ) {
        guard let text else { return }
        properties._flags |= UInt32(flag)
        properties[keyPath: field] = bytes(text)
    }

    private func field(_ source: FieldValue) -> amqp_field_value_t {
        var result = amqp_field_value_t()
        func set(_ kind: amqp_field_value_kind_t) { result.kind = UInt8(kind.rawValue) }
        switch source {
        case .null: set(AMQP_FIELD_KIND_VOID)
        case .bool(let value):
            set(AMQP_FIELD_KIND_BOOLEAN)
            result.value.boolean = value ? 1 : 0
        case .int(let value):
            set(AMQP_FIELD_KIND_I64)
            result.value.i64 = value
        case .double(let value):
            set(AMQP_FIELD_KIND_F64)
            result.value.f64 = value
        case .decimal(let scale, let value):
            set(AMQP_FIELD_KIND_DECIMAL)
            result.value.decimal = amqp_decimal_t(decimals: scale, value: value)
        case .string(let value):
            set(AMQP_FIELD_KIND_UTF8)
            result.value.bytes = bytes(value)
        case .bytes(let value):
            set(AMQP_FIELD_KIND_BYTES)
            result.value.bytes = value.withUnsafeBytes { bytes($0) }
        case .timestamp(let value):
            set(AMQP_FIELD_KIND_TIMESTAMP)
            result.value.u64 = value
        case .array(let values):
            set(AMQP_FIELD_KIND_ARRAY)
            result.value.array = array(values)
        case .table(let values):
            set(AMQP_FIELD_KIND_TABLE)
            result.value.table = table(values)
        }
        return result
    }

    private func array(_ source: [FieldValue]) -> amqp_array_t {
        guard let entries = allocate(amqp_field_value_t.self, count: source.count) else { return amqp_array_t() }
        for (index, value) in source.enumerated() { (entries + index).initialize(to: field(value)) }
        return amqp_array_t(num_entries: Int32(source.count), entries: entries)
    }

    private func allocate<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T>? {
        guard count > 0 else { return nil }
        return amqp_pool_alloc(&pool, count * MemoryLayout<T>.stride)?.bindMemory(to: type, capacity: count)
    }
}
