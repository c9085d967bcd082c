internal import CRabbitMQ

extension Properties {
    init(_ source: amqp_basic_properties_t) {
        let flags = source._flags
        var unreadable: [String: [UInt8]] = [:]
        func text(_ bytes: amqp_bytes_t, flag: Int32, name: String) -> String? {
            guard flags & UInt32(flag) != 0 else { return nil }
            let text = String(validating: bytes)
            if text == nil { unreadable[name] = [UInt8](bytes) }
            return text
        }
        contentType = text(source.content_type, flag: AMQP_BASIC_CONTENT_TYPE_FLAG, name: "content_type")
        contentEncoding = text(source.content_encoding, flag: AMQP_BASIC_CONTENT_ENCODING_FLAG, name: "content_encoding")
        correlationID = text(source.correlation_id, flag: AMQP_BASIC_CORRELATION_ID_FLAG, name: "correlation_id")
        replyTo = text(source.reply_to, flag: AMQP_BASIC_REPLY_TO_FLAG, name: "reply_to")
        expiration = text(source.expiration, flag: AMQP_BASIC_EXPIRATION_FLAG, name: "expiration")
        messageID = text(source.message_id, flag: AMQP_BASIC_MESSAGE_ID_FLAG, name: "message_id")
        type = text(source.type, flag: AMQP_BASIC_TYPE_FLAG, name: "type")
        userID = text(source.user_id, flag: AMQP_BASIC_USER_ID_FLAG, name: "user_id")
        appID = text(source.app_id, flag: AMQP_BASIC_APP_ID_FLAG, name: "app_id")
        self.unreadable = unreadable
        // RabbitMQ treats a message as transient unless the property is exactly 2.
        let isPersistent = flags & UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG) != 0 && source.delivery_mode == DeliveryMode.persistent.rawValue
        deliveryMode = isPersistent ? .persistent : .transient
        if flags & UInt32(AMQP_BASIC_PRIORITY_FLAG) != 0 { priority = source.priority }
        if flags & UInt32(AMQP_BASIC_TIMESTAMP_FLAG) != 0 { timestamp = source.timestamp }
        if flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 { headers = FieldValue.table(source.headers, depth: 0) }
    }
}
